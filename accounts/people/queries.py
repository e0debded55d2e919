"""Who belongs to the organization and who is invited, for pages and calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.members.authority import Authority
from accounts.models import APIKey, Invitation, Member, Role, Team, TokenFamily
from accounts.models.member import MemberQuerySet
from core.refused import Invalid


class MemberStatus(StrEnum):
    """How a member stands."""

    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Access:
    """What a member comes in by besides the browser, and what ends with it."""

    sign_ins: int
    keys: int
    invitations: int


def people() -> MemberQuerySet:
    """The members who were not removed, with role and teams, by name; those without one come first, by e-mail."""
    rows: MemberQuerySet = Member.objects.present().with_access().prefetch_related("teams")
    return rows.order_by("user__name", "user__email", "id")


def matching(
    rows: QuerySet[Member], *, search: str = "", role: str = "", status: str = "", has_second_factor: bool | None = None
) -> QuerySet[Member]:
    """Those whose name or e-mail has the words, with this role (its key) and status, with a second factor or without;
    what is empty limits nothing."""
    for word in search.split()[:8]:
        rows = rows.filter(Q(user__name__icontains=word) | Q(user__email__icontains=word))
    if role:
        rows = rows.filter(role__key=role)
    if status:
        rows = rows.filter(is_active=status == MemberStatus.ACTIVE)
    if has_second_factor is not None:
        rows = rows.filter(user__second_factor_at__isnull=not has_second_factor)
    return rows


def unanswered() -> QuerySet[Invitation]:
    """The invitations that wait or have expired, the newest first."""
    return invitations().filter(accepted_at=None, revoked_at=None)


def invitations() -> QuerySet[Invitation]:
    """All that are kept, with role, teams and who invited, the newest first."""
    rows = Invitation.objects.select_related("organization", "role", "invited_by__user").prefetch_related("teams")
    return rows.order_by("-created_at", "-id")


def roles_to_give(authority: Authority) -> list[Role]:
    """The organization's roles that may be given, the system's own first."""
    return [role for role in Role.objects.order_by("-is_system", "name", "id") if authority.covers(role)]


def teams_to_give(authority: Authority, own: Collection[UUID] = ()) -> QuerySet[Team]:
    """The teams that people may be added to; `own` are ids of teams that somebody is in already."""
    rows = Team.objects.order_by("name", "id")
    may_give = [team.pk for team in rows if _may_give(authority, team)]
    return rows.filter(pk__in=[*may_give, *own])


def role_by_key(key: str) -> Role:
    """Raises Invalid for a key that no role has."""
    role = Role.objects.filter(key=key).first()
    if role is None:
        raise Invalid("role", f"There is no role “{key}”.")
    return role


def teams_by_ids(ids: Collection[UUID]) -> list[Team]:
    """Raises Invalid for an id that no team has."""
    rows = list(Team.objects.filter(pk__in=ids).order_by("name", "id"))
    if missing := set(ids) - {row.pk for row in rows}:
        raise Invalid("teams", f"There is no team {min(map(str, missing))}.")
    return rows


def access_of(member: Member) -> Access:
    """What there is of a member's ways in, and of invitations that hold only while they are here."""
    families = TokenFamily.objects.filter(member=member, revoked_at=None, expires_at__gt=timezone.now())
    keys = APIKey.objects.filter(member=member, revoked_at=None)
    return Access(families.count(), keys.count(), unanswered().filter(invited_by=member).count())


def _may_give(authority: Authority, team: Team) -> bool:
    return authority.reach == "all" or team.pk in authority.teams
