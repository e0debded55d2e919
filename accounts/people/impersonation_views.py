"""Settings → People → a person: act as them, and stop; or view the pages as they would see them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import viewing
from accounts.access.pages import requires
from accounts.credentials import known_browsers, passkeys, recent
from accounts.impersonation import proof
from accounts.impersonation import services as impersonation
from accounts.impersonation.proof import Proof
from accounts.models import Impersonation, Member
from accounts.openid import queries as providers
from accounts.people import queries
from accounts.people.impersonation_forms import ImpersonateForm
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import Attempt, as_message, on_form


@sensitive_post_parameters("password", "code")
@never_cache
@requires(impersonation.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def impersonate(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask why, and who it is; a POST with both goes on as the member."""
    member = _find(pk)
    asked = proof.asked_of(request, request.member.user)
    if "credential" in request.POST:
        return _by_passkey(request, member)
    is_shown = asked is not Proof.ELSEWHERE or proof.ask_elsewhere(request)
    form = ImpersonateForm(request.POST or None, proof=asked) if is_shown else None
    attempt = Attempt(request)
    if request.method == "POST" and form is not None and form.is_valid():
        attempt = on_form(request, form)
        with attempt:
            impersonation.require_possible(request.member, member)
            if asked is not Proof.ELSEWHERE:
                given = {asked.value: form.cleaned_data[asked.value]}
                proof.check(request=request, user=request.member.user, **given)
            row = impersonation.begin(
                member=member, by=request.member, actor=current_actor(), reason=form.cleaned_data["reason"]
            )
            proof.forget(request)
            impersonation.remember(request, row)
            return redirect("organization:home", organization)
    return _page(request, member, form, status=attempt.status if attempt.status == 429 else 200)


def _by_passkey(request: Request, member: Member) -> HttpResponse:
    user = request.member.user
    attempt = Attempt(request)
    with attempt:
        is_known = known_browsers.is_known(request, user.email)
        passkeys.check(request=request, answer=request.POST.get("credential", ""), user=user, is_known=is_known)
        recent.note(request)
        return redirect("organization:impersonate", request.organization.slug, member.pk)
    return _page(request, member, None, error=attempt.error, status=attempt.status if attempt.status == 429 else 200)


def _page(
    request: Request, member: Member, form: ImpersonateForm | None, *, error: str = "", status: int = 200
) -> HttpResponse:
    user = request.member.user
    by_passkey = form is None and user.has_second_factor
    context = {
        "person": member,
        "form": form,
        "error": error,
        "minutes": int(impersonation.LASTS.total_seconds() // 60),
        "options": passkeys.begin_asking(request, user) if by_passkey else "",
        "action": request.path,
        "provider": providers.connected_provider(user) if form is None and not by_passkey else None,
    }
    return render(request, "accounts/people/impersonate.html", context, status=status)


@requires(MEMBERSHIP)
@require_POST
def end_impersonation(request: Request, organization: str) -> HttpResponse:
    """Be oneself again."""
    kept = request.session.pop(impersonation.KEY, None)
    row = impersonation.find(parse_uuid(str(kept)))
    if row is None or row.impersonator_id != request.member.pk:
        return redirect("organization:home", organization)
    impersonation.end(row, how=Impersonation.How.BUTTON)
    messages.success(request, _("You are yourself again."))
    if request.member.may("users.view"):
        return redirect("organization:member", organization, row.member_id)
    return redirect("organization:home", organization)


@requires(viewing.PERSON_PERMISSION)
@require_POST
def view_as_member(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """View the pages as this person would have them, without what is private to them."""
    member = _find(pk)
    with as_message(request):
        viewing.begin_person(request, member=request.member, person=member, actor=current_actor())
        return redirect("organization:home", organization)
    return redirect("organization:member", organization, pk)


@requires(MEMBERSHIP)
@require_POST
def end_of_mine(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """End that somebody acts as oneself."""
    rows = impersonation.done_to(request.member).select_related("organization", "member__user")
    row = first_or_404(rows.filter(pk=pk), _("There is no such entry."))
    impersonation.end(row, how=Impersonation.How.PERSON)
    messages.success(request, _("Nobody acts as you any more."))
    return redirect("organization:devices", organization)


def _find(pk: UUID) -> Member:
    return first_or_404(queries.people().filter(pk=pk), _("There is no such member."))
