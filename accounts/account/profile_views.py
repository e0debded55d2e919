"""Your profile; and that of a member, for who may edit members. Photos of colleagues."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import grants
from accounts.access.pages import requires
from accounts.account.profile_forms import ProfileForm
from accounts.account.tabs import account_context
from accounts.members import profiles
from accounts.members.authority import authority_of
from accounts.models import Member
from accounts.organizations.values import language_name
from accounts.people import queries
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import writes_at_once


@requires(MEMBERSHIP)
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def profile(request: Request, organization: str) -> HttpResponse:
    """One's own name, phone, signature; the photo has forms of its own."""
    form = ProfileForm(request.POST or None, record=_current(request, request.member))
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            profiles.change(member=request.member, actor=current_actor(), changes=form.changed)
            messages.success(request, _("Saved."))
            return redirect("organization:profile", organization)
    context = {"form": form, "language": language_name(), **account_context(request, "organization:profile")}
    return render(request, "accounts/account/profile.html", context)


@requires(MEMBERSHIP)
@require_POST
def set_photo(request: Request, organization: str) -> HttpResponse:
    """Take the uploaded picture."""
    _take_photo(request, request.member)
    return redirect("organization:profile", organization)


@requires(MEMBERSHIP)
@require_POST
def remove_photo(request: Request, organization: str) -> HttpResponse:
    """Show initials again."""
    with as_message(request):
        profiles.remove_photo(member=request.member, actor=current_actor())
        messages.success(request, _("The photo was removed."))
    return redirect("organization:profile", organization)


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def member_profile(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The same of somebody else; 403 for who may do more than oneself."""
    member = _find(pk)
    authority_of(current_actor(), request.organization).require_not_above(member)
    form = ProfileForm(request.POST or None, record=_current(request, member))
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            profiles.change(member=member, actor=current_actor(), changes=form.changed)
            messages.success(request, _("Saved."))
            return redirect("organization:member", organization, pk)
    return render(request, "accounts/account/member_profile.html", {"form": form, "person": member})


@requires("users.edit")
@require_POST
def remove_member_photo(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Take somebody's photo away."""
    with as_message(request):
        profiles.remove_photo(member=_find(pk), actor=current_actor())
        messages.success(request, _("The photo was removed."))
    return redirect("organization:member_profile", organization, pk)


@requires(MEMBERSHIP)
@require_safe
def photo(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """The photo of a colleague, by their user's id. A new one has a new address, so browsers may keep it."""
    member = Member.objects.present().select_related("user").filter(user_id=pk).first()
    if member is None or not member.user.photo:
        raise Http404(_("There is no photo."))
    try:
        opened = member.user.photo.open("rb")
    except OSError as error:
        raise Http404(_("There is no photo.")) from error
    response = FileResponse(opened, content_type="image/webp")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def _take_photo(request: Request, member: Member) -> None:
    content = request.FILES.get("photo")
    if content is None:
        messages.error(request, _("Choose a picture first."))
        return
    with as_message(request):
        profiles.set_photo(member=member, actor=current_actor(), content=content, size=content.size or 0)
        messages.success(request, _("Your photo is there."))


def _current(request: Request, member: Member) -> Member:
    """Of a POST: the member as they are by now, and nobody else changes them until the transaction ends."""
    if request.method != "POST":
        return member
    # As the service does: the organization's members first.
    grants.lock(request.organization)
    return Member.objects.with_access().get(pk=member.pk)


def _find(pk: UUID) -> Member:
    return first_or_404(queries.people().filter(pk=pk), _("There is no such member."))
