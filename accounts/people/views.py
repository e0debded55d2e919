"""Settings → People: the members, and one of them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import viewing
from accounts.access.pages import requires
from accounts.impersonation import services as impersonation
from accounts.members import services as members
from accounts.members.authority import Authority, authority_of
from accounts.models import Member, Role
from accounts.people import queries
from accounts.people.forms import MemberForm
from accounts.people.queries import MemberStatus
from accounts.permissions import Reach
from activity.actor import current_actor
from core.http import Request
from core.list_query import ListQuery
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import writes_at_once

PAGE_SIZE = 50
NAMES = ("search", "role", "status", "factor", "page")
FACTORS = {"yes": True, "no": False}


@requires("users.view")
@require_safe
def people_page(request: Request, organization: str) -> HttpResponse:
    """The members, by name, searched and filtered."""
    query = ListQuery.read(request.GET, NAMES, {"page": "1"})
    factor = FACTORS.get(query.get("factor"))
    rows = queries.matching(
        queries.people(),
        search=query.get("search")[:200],
        role=query.get("role"),
        status=_status(query),
        has_second_factor=factor,
    )
    page = Paginator(rows, PAGE_SIZE).get_page(query.get("page"))
    context = {
        "tab": "members",
        "page": page,
        "query": query,
        "is_filtered": bool(query.get("search") or query.get("role") or _status(query)) or factor is not None,
        "roles": Role.objects.order_by("-is_system", "name", "id"),
        "previous": query.with_(page=str(page.number - 1)).address() if page.has_previous() else "",
        "next": query.with_(page=str(page.number + 1)).address() if page.has_next() else "",
        **_tabs(request),
    }
    return render(request, "accounts/people/list.html", context)


@requires("users.view")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def member_page(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Who somebody is here; a POST gives them another role or other teams."""
    member = _find(pk)
    authority = authority_of(current_actor(), request.organization)
    is_above = not authority.covers(member.role)
    may_edit = request.member.may("users.edit") and not is_above
    if request.method == "POST" and not request.member.may("users.edit"):
        raise PermissionDenied(_("Your role does not permit this."))
    form = MemberForm(request.POST or None, record=member, authority=authority)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            _change(member, form)
            messages.success(request, _("Saved."))
            return redirect("organization:member", organization, pk)
    return render(request, "accounts/people/member.html", _context(request, member, authority, form, may_edit))


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once, and say what ends; a POST shuts the member out."""
    member = _find(pk)
    if request.method != "POST":
        question = _("Deactivate %(name)s?") % {"name": member.user.get_full_name()}
        return _ask(request, member, question, _("Deactivate"))
    with as_message(request):
        members.deactivate(member=member, actor=current_actor())
        messages.success(request, _("%(name)s is out.") % {"name": member.user.get_full_name()})
    return redirect("organization:member", organization, pk)


@requires("users.edit")
@require_POST
def reactivate(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Let a deactivated member in again."""
    member = _find(pk)
    with as_message(request):
        members.reactivate(member=member, actor=current_actor())
        messages.success(request, _("%(name)s can sign in again.") % {"name": member.user.get_full_name()})
    return redirect("organization:member", organization, pk)


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_second_factor(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST takes the member's second factor away, for who has lost it."""
    member = _find(pk)
    if request.method != "POST":
        back = reverse("organization:member", args=[organization, pk])
        return render(request, "accounts/people/reset_second_factor.html", {"person": member, "back": back})
    with as_message(request):
        members.reset_second_factor(member=member, actor=current_actor())
        messages.success(
            request, _("%(name)s signs in by password alone for now.") % {"name": member.user.get_full_name()}
        )
    return redirect("organization:member", organization, pk)


@requires("users.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once, and say what ends; a POST takes the member out of the organization."""
    member = _find(pk)
    if request.method != "POST":
        question = _("Remove %(name)s?") % {"name": member.user.get_full_name()}
        return _ask(request, member, question, _("Remove"), is_removal=True)
    with as_message(request):
        members.remove(member=member, actor=current_actor())
        messages.success(request, _("%(name)s was removed.") % {"name": member.user.get_full_name()})
        return redirect("organization:people", organization)
    return redirect("organization:member", organization, pk)


def _find(pk: UUID) -> Member:
    return first_or_404(queries.people().filter(pk=pk), "There is no such member.")


def _status(query: ListQuery) -> str:
    status: str = query.get("status")
    return status if status in set(MemberStatus) else ""


def _change(member: Member, form: MemberForm) -> None:
    changed = form.changed
    role = form.chosen_role() if "role" in changed else None
    teams = form.chosen_teams() if "teams" in changed else None
    members.change(member=member, actor=current_actor(), role=role, teams=teams)


def _context(
    request: Request, member: Member, authority: Authority, form: MemberForm, may_edit: bool
) -> dict[str, object]:
    is_oneself = member.user_id == request.member.user_id
    return {
        "person": member,
        "teams": sorted(member.teams.all(), key=lambda team: team.name),
        "form": form if may_edit else None,
        "is_oneself": is_oneself,
        "is_above": not authority.covers(member.role),
        "may_deactivate": may_edit and not is_oneself,
        "may_reset_factor": may_edit and not is_oneself and member.user.has_second_factor,
        "may_hand_over": may_edit,
        "may_impersonate": impersonation.can_begin(request.member, member),
        "may_view_as": viewing.can_view_person(request.member, member),
        "may_remove": request.member.may("users.delete") and authority.covers(member.role) and not is_oneself,
    }


def _ask(request: Request, member: Member, question: str, action: str, *, is_removal: bool = False) -> HttpResponse:
    access = queries.access_of(member)
    counted = (
        (access.sign_ins, ngettext("%(count)d sign-in of an app", "%(count)d sign-ins of apps", access.sign_ins)),
        (access.keys, ngettext("%(count)d API key", "%(count)d API keys", access.keys)),
        (
            access.invitations,
            ngettext("%(count)d open invitation of theirs", "%(count)d open invitations of theirs", access.invitations),
        ),
    )
    context = {
        "person": member,
        "question": question,
        "action": action,
        "is_removal": is_removal,
        "ends": [words % {"count": count} for count, words in counted if count],
        "teams": member.teams.count(),
        "hand_over": _hand_over(request, member, "remove" if is_removal else "deactivate"),
        "back": reverse("organization:member", args=[request.organization.slug, member.pk]),
    }
    return render(request, "accounts/people/confirm.html", context)


def _hand_over(request: Request, member: Member, then: str) -> str:
    """Where what they own is given to somebody else in the same stroke; empty for who may not."""
    if not request.member.may("users.edit") or request.member.reach != Reach.ALL:
        return ""
    return f"{reverse('organization:hand_over', args=[request.organization.slug, member.pk])}?then={then}"


def _tabs(request: Request) -> dict[str, object]:
    return {"waiting": queries.unanswered().count(), "may_invite": request.member.may("users.create")}
