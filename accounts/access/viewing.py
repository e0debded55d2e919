"""Viewing as a role: the pages as somebody with it would have them, and nothing can be changed.

It is no impersonation: whoever looks stays who they are, with the same teams and the same own records. Only the role is
swapped, for one that reaches no further. What the role permits beyond their own is left out. The browser's session
says so, for LASTS; every unsafe request is refused (ReadOnlyMiddleware), and what a page would write on the way is
rolled back (`accounts.access.pages`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts import events
from accounts.models import Member, Role
from activity.actor import Actor
from activity.ledger import record
from core import clock
from core.htmx import toast
from core.refused import Refused
from core.tenancy import organization_scope

KEY = "view_as"
LASTS = timedelta(minutes=30)
PERMISSION = "roles.view"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# What ends it, and what is open to everybody who wants to leave.
WAYS_OUT = frozenset({"organization:end_view", "accounts:sign_out"})


class ReadOnlyView(Refused):
    """Something would be changed, or leave as a file, while somebody views as a role."""

    status, code = 403, "read_only_view"

    def __init__(self) -> None:
        super().__init__(_("You are viewing as a role, so nothing can be changed or exported. Stop viewing first."))


class ReachesFurther(Refused):
    """The role reaches records that the viewer does not see."""

    status = 403

    def __init__(self, role: Role) -> None:
        words = _("“%(role)s” reaches further than your own role, so you can’t view as it.")
        super().__init__(words % {"role": role.name})


@dataclass(frozen=True, slots=True)
class Viewing:
    """As which role somebody views, until when; `member` is what they are for the pages meanwhile."""

    role: Role
    ends_at: datetime
    member: Member


def can_view(member: Member, role: Role) -> bool:
    """Whether the member may view as the role."""
    return member.may(PERMISSION) and member.reach.includes(role.reach)


def begin(request: HttpRequest, *, member: Member, role: Role, actor: Actor) -> None:
    """View as the role from the next request on. Raises ReachesFurther."""
    if not can_view(member, role):
        raise ReachesFurther(role)
    request.session[KEY] = {
        "organization": str(member.organization_id),
        "role": str(role.pk),
        "ends_at": (clock.now() + LASTS).timestamp(),
    }
    record(events.ROLE_VIEW_BEGAN, subject=role, actor=actor, payload={"key": role.key})


def end(request: HttpRequest, *, member: Member, how: str) -> None:
    """View as oneself again; nothing happens where somebody does. `how`: button, sign_out, time, or changed."""
    kept = request.session.get(KEY)
    if kept is None or kept["organization"] != str(member.organization_id):
        return
    del request.session[KEY]
    with organization_scope(member.organization):
        role = Role.objects.filter(pk=UUID(kept["role"])).first()
        if role is not None:
            actor = Actor.for_user(member.user)
            record(events.ROLE_VIEW_ENDED, subject=role, actor=actor, payload={"key": role.key, "how": how})


def is_on(request: HttpRequest) -> bool:
    """Whether this browser views as a role, in whichever organization."""
    kept = request.session.get(KEY)
    return kept is not None and kept["ends_at"] > clock.now().timestamp()


def viewing_of(request: HttpRequest, member: Member) -> Viewing | None:
    """As what the member views their organization's pages; None for as themselves.

    Ends it where the time is over, the role is gone, or they may not any more.
    """
    kept = request.session.get(KEY)
    if kept is None or kept["organization"] != str(member.organization_id):
        return None
    if not is_on(request):
        end(request, member=member, how="time")
        return None
    with organization_scope(member.organization):
        role = Role.objects.filter(pk=UUID(kept["role"])).first()
    if role is None or not can_view(member, role):
        end(request, member=member, how="changed")
        return None
    shown = copy.copy(member)
    shown.role = role
    # Nothing that the viewer may not do themselves.
    shown.scopes = member.permissions
    return Viewing(role, datetime.fromtimestamp(kept["ends_at"], UTC), shown)


class ReadOnlyMiddleware:
    """Refuses whatever might change something while the browser views as a role, pages and calls alike."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """403 with the code `read_only_view`; the way out stays open."""
        if request.method in SAFE or not is_on(request):
            return None
        if request.resolver_match is not None and request.resolver_match.view_name in WAYS_OUT:
            return None
        refused = ReadOnlyView()
        if request.path.startswith("/api/"):
            error = {"code": refused.code, "detail": str(refused), "attr": None}
            return JsonResponse({"type": "client_error", "errors": [error]}, status=refused.status)
        if request.headers.get("HX-Request"):
            response = toast(HttpResponse(status=refused.status), str(refused), level="error")
            response.headers["HX-Reswap"] = "none"
            return response
        return render(request, "accounts/access/read_only.html", {"words": str(refused)}, status=refused.status)
