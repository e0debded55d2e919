"""Settings → People → Invitations: who is asked, and asking several at once."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.credentials import shown_once
from accounts.invitations import creating
from accounts.invitations import services as invitations
from accounts.invitations.services import Outcome, Result
from accounts.members.authority import authority_of
from accounts.models import Invitation
from accounts.people import queries
from accounts.people.forms import InviteForm, NewMemberForm
from activity.actor import current_actor
from core.compression import shows_secret
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form

PAGE_SIZE = 50
# In the session: the password of who was made a member last.
FIRST_PASSWORD = "first_password"  # noqa: S105 - a name


@requires("users.view")
@require_safe
def invitations_page(request: Request, organization: str) -> HttpResponse:
    """The invitations that nobody has answered, the newest first."""
    page = Paginator(queries.unanswered(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "tab": "invitations",
        "page": page,
        "waiting": page.paginator.count,
        "may_invite": request.member.may("users.create"),
        "previous": f"?page={page.number - 1}" if page.has_previous() else "",
        "next": f"?page={page.number + 1}" if page.has_next() else "",
    }
    return render(request, "accounts/people/invitations.html", context)


@requires("users.create")
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: Request, organization: str) -> HttpResponse:
    """Several addresses at once, with one role and the same teams."""
    form = InviteForm(request.POST or None, authority=authority_of(current_actor(), request.organization))
    role = None
    if request.method == "POST" and form.is_valid() and (role := form.chosen_role()) is not None:
        with on_form(request, form):
            results = invitations.invite(
                organization=request.organization,
                emails=form.cleaned_data["emails"],
                role=role,
                teams=form.chosen_teams(),
                days=form.cleaned_data["days"],
                actor=current_actor(),
            )
            _say(request, results)
            return redirect("organization:invitations", organization)
    return render(request, "accounts/people/invite.html", {"form": form})


@sensitive_post_parameters("password")
@requires("users.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_member(request: Request, organization: str) -> HttpResponse:
    """Make somebody a member at once; the password that they change first is shown on the next page."""
    form = NewMemberForm(request.POST or None, authority=authority_of(current_actor(), request.organization))
    role = None
    if request.method == "POST" and form.is_valid() and (role := form.chosen_role()) is not None:
        with on_form(request, form):
            data = form.cleaned_data
            member, password = creating.create(
                organization=request.organization,
                email=data["email"],
                name=data["name"],
                role=role,
                teams=form.chosen_teams(),
                password=data["password"],
                actor=current_actor(),
            )
            shown_once.keep(request, FIRST_PASSWORD, {"member": str(member.pk), "password": password})
            return redirect("organization:first_password", organization, member.pk)
    return render(request, "accounts/people/new_member.html", {"form": form})


@never_cache
@requires("users.create")
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def first_password(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The password of who was just made a member, to whoever did it, until they say that they have passed it on."""
    member = first_or_404(queries.people().filter(pk=pk), _("There is no such member."))
    kept = shown_once.kept(request, FIRST_PASSWORD)
    if request.method == "POST" or not isinstance(kept, dict) or kept["member"] != str(pk):
        if request.method == "POST":
            shown_once.drop(request, FIRST_PASSWORD)
        return redirect("organization:member", organization, pk)
    context = {"person": member, "password": kept["password"]}
    return render(request, "accounts/people/first_password.html", context)


@requires("users.create")
@require_POST
def resend(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A new link by a new mail."""
    invitation = _find(pk)
    with as_message(request):
        invitations.resend(invitation=invitation, actor=current_actor())
        messages.success(request, _("%(email)s gets a new link.") % {"email": invitation.email})
    return redirect("organization:invitations", organization)


@requires("users.create")
@require_POST
def revoke(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The link is worthless from now on."""
    invitation = _find(pk)
    with as_message(request):
        invitations.revoke(invitation=invitation, actor=current_actor())
        messages.success(request, _("The invitation of %(email)s was revoked.") % {"email": invitation.email})
    return redirect("organization:invitations", organization)


def _find(pk: UUID) -> Invitation:
    return first_or_404(queries.invitations().filter(pk=pk), "There is no such invitation.")


def _say(request: Request, results: list[Result]) -> None:
    """What became of the addresses, one message for each kind of result."""
    texts = (
        (Outcome.INVITED, messages.SUCCESS, _("Invited: %(emails)s.")),
        (Outcome.RESENT, messages.SUCCESS, _("Invited before, and sent a new link: %(emails)s.")),
        (Outcome.MEMBER, messages.INFO, _("A member already: %(emails)s.")),
        (Outcome.DEACTIVATED, messages.WARNING, _("Deactivated, so reactivate instead: %(emails)s.")),
    )
    for outcome, level, text in texts:
        emails = [result.email for result in results if result.outcome == outcome]
        if emails:
            messages.add_message(request, level, text % {"emails": ", ".join(emails)})
