"""Viewing as a role, saved or not, or as a person: the pages as they would have them, and nothing can be changed.

It is no impersonation: nothing is done in anybody's name. With a role whoever looks keeps their teams and own records,
and only the role is swapped; with a person it is that person's role, teams and records, without what is private to
them. Neither reaches further than the viewer, and what it permits beyond their own is left out. The browser's session
says so, for LASTS; every unsafe request is refused (`accounts.access.acting`), and what a page would write on the way
is rolled back (`accounts.access.pages`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from accounts import events
from accounts.members.authority import sees_no_less
from accounts.models import Member, Role
from activity.actor import Actor
from activity.ledger import record
from core import clock
from core.refused import Refused
from core.tenancy import organization_scope

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

KEY = "view_as"
LASTS = timedelta(minutes=30)
PERMISSION = "roles.view"
PERSON_PERMISSION = "users.view"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# What ends it, and what is open to everybody who wants to leave.
WAYS_OUT = frozenset({"organization:end_view", "accounts:sign_out"})


def only_reads(view: View) -> View:
    """Mark a view whose POST is a question with a long body, and changes nothing: it is open to who only looks.

    Stands below `requires`. What it would write on the way is rolled back there, as of a GET.
    """
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def is_question(request: HttpRequest, view: object) -> bool:
    """Whether the request only asks: by its method, or because its view is marked as such."""
    return request.method in SAFE or bool(getattr(view, "only_reads", False))


class ReadOnlyView(Refused):
    """Something would be changed, leave as a file, or be shown that is private, while somebody only looks."""

    status, code = 403, "read_only_view"

    def __init__(self) -> None:
        super().__init__(
            _(
                "You are viewing as a role or as somebody else, so nothing can be changed or exported, and what is "
                "private stays closed. Stop viewing first."
            )
        )


class ReachesFurther(Refused):
    """The role or person reaches records that the viewer does not see."""

    status = 403

    def __init__(self, name: str) -> None:
        words = _("“%(name)s” reaches further than you do, so you can’t view the pages that way.")
        super().__init__(words % {"name": name})


@dataclass(frozen=True, slots=True)
class Viewing:
    """As what somebody views, until when; `member` is what they are for the pages meanwhile."""

    role: Role
    ends_at: datetime
    member: Member
    # Of both at most one: whose pages they would be, and whether the role is one that is not saved.
    person: Member | None = None
    is_preview: bool = False


class Preview(TypedDict):
    """A role that is not saved, and the form that it was entered in, to be shown again."""

    name: str
    permissions: list[str]
    reach: str
    form: list[list[str]]


class Kept(TypedDict, total=False):
    """What the session says of it."""

    organization: str
    ends_at: float
    role: str
    person: str
    preview: Preview


def can_view(member: Member, role: Role) -> bool:
    """Whether the member may view as the role."""
    return member.may(PERMISSION) and member.reach.includes(role.reach)


def can_view_person(member: Member, person: Member) -> bool:
    """Whether the member may view as this person, who sees no record that the member does not."""
    return (
        member.may(PERSON_PERMISSION)
        and person.pk != member.pk
        and person.is_active
        and person.user.is_active
        and not person.user.is_service
        and sees_no_less(member, person)
    )


def begin(request: HttpRequest, *, member: Member, role: Role, actor: Actor) -> None:
    """View as the role from the next request on. Raises ReachesFurther."""
    if not can_view(member, role):
        raise ReachesFurther(role.name)
    _remember(request, member, role=str(role.pk))
    record(events.ROLE_VIEW_BEGAN, subject=role, actor=actor, payload={"key": role.key})


def begin_person(request: HttpRequest, *, member: Member, person: Member, actor: Actor) -> None:
    """View as the person from the next request on. Raises ReachesFurther."""
    if not can_view_person(member, person):
        raise ReachesFurther(person.user.get_full_name())
    _remember(request, member, person=str(person.pk))
    record(events.MEMBER_VIEW_BEGAN, subject=person, actor=actor)


def begin_preview(request: HttpRequest, *, member: Member, role: Role | None, preview: Preview, actor: Actor) -> None:
    """View as a role that is not saved: a change of `role`, or a new one. Raises ReachesFurther."""
    if not can_view(member, _unsaved(member, preview)):
        raise ReachesFurther(preview["name"])
    _remember(request, member, role=str(role.pk) if role is not None else "", preview=preview)
    payload = {name: preview[name] for name in ("name", "permissions", "reach")}
    record(events.ROLE_PREVIEW_BEGAN, subject=role or member, actor=actor, payload=payload)


def _remember(request: HttpRequest, member: Member, **what: object) -> None:
    request.session[KEY] = {
        "organization": str(member.organization_id),
        "ends_at": (clock.now() + LASTS).timestamp(),
        **what,
    }


def end(request: HttpRequest, *, member: Member, how: str) -> None:
    """View as oneself again; nothing happens where somebody does. `how`: button, sign_out, time, or changed."""
    kept = request.session.get(KEY)
    if kept is None or kept["organization"] != str(member.organization_id):
        return
    del request.session[KEY]
    actor = Actor.for_user(member.user)
    with organization_scope(member.organization):
        if kept.get("person"):
            person = Member.objects.filter(pk=UUID(kept["person"])).first()
            record(events.MEMBER_VIEW_ENDED, subject=person or member, actor=actor, payload={"how": how})
            return
        role = Role.objects.filter(pk=UUID(kept["role"])).first() if kept["role"] else None
        if kept.get("preview"):
            record(events.ROLE_PREVIEW_ENDED, subject=role or member, actor=actor, payload={"how": how})
        elif role is not None:
            record(events.ROLE_VIEW_ENDED, subject=role, actor=actor, payload={"key": role.key, "how": how})


def is_on(request: HttpRequest) -> bool:
    """Whether this browser views as a role or a person, in whichever organization."""
    kept = request.session.get(KEY)
    return kept is not None and kept["ends_at"] > clock.now().timestamp()


def is_as_person(request: HttpRequest) -> bool:
    """Whether it is a person."""
    return bool(request.session.get(KEY, {}).get("person"))


def viewing_of(request: HttpRequest, member: Member) -> Viewing | None:
    """As what the member views their organization's pages; None for as themselves.

    Ends it where the time is over, the role or person is gone, or they may not any more.
    """
    kept = request.session.get(KEY)
    if kept is None or kept["organization"] != str(member.organization_id):
        return None
    if not is_on(request):
        end(request, member=member, how="time")
        return None
    with organization_scope(member.organization):
        found = _viewed(member, kept)
    if found is None:
        end(request, member=member, how="changed")
        return None
    shown, role = found
    # Nothing that the viewer may not do themselves.
    shown.scopes = member.permissions
    ends_at = datetime.fromtimestamp(kept["ends_at"], UTC)
    return Viewing(role, ends_at, shown, shown if kept.get("person") else None, bool(kept.get("preview")))


def _viewed(member: Member, kept: Kept) -> tuple[Member, Role] | None:
    """What the member is for the pages, and with which role; None where they may not (any more)."""
    if kept.get("person"):
        person = Member.objects.active().with_access().filter(pk=UUID(kept["person"])).first()
        if person is None or not can_view_person(member, person):
            return None
        person.looked_through_by = member
        return person, person.role
    role = Role.objects.filter(pk=UUID(kept["role"])).first() if kept.get("role") else None
    if kept.get("preview"):
        role = _unsaved(member, kept["preview"])
    if role is None or not can_view(member, role):
        return None
    shown = copy.copy(member)
    shown.role = role
    return shown, role


def _unsaved(member: Member, preview: Preview) -> Role:
    return Role(
        organization=member.organization,
        name=preview["name"],
        stored_permissions=preview["permissions"],
        stored_reach=preview["reach"],
    )
