"""How far somebody's word goes among the members of an organization.

Nobody gives what they don't have, and nobody changes a member who may do more than they. Asked by every service that
changes members or invites people, under the organization's lock, so that it is about who the actor is by now.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import grants
from accounts.models import APIKey, Member, Organization, Role, ScimConnection, Team, User
from accounts.permissions import CATALOG, NEVER_BY_IMPERSONATION, Reach
from activity.actor import Actor, ActorKind
from core.refused import Invalid, Refused


class NotYours(Refused):
    """It takes permissions that the actor does not have."""

    status = 403


class OtherTeams(NotYours):
    """A team whose records the actor does not reach."""

    field = "teams"

    def __init__(self) -> None:
        super().__init__(_("You can add people only to teams that you belong to."))


class Above(NotYours):
    """A member who may do more than the actor."""

    def __init__(self) -> None:
        super().__init__(_("This person may do more than you may. Somebody with their permissions has to do that."))


@dataclass(frozen=True, slots=True)
class Authority:
    """What an actor may do in an organization; `teams` are the ids of their own."""

    permissions: frozenset[str]
    reach: Reach
    teams: frozenset[UUID]
    user_id: UUID | None = None
    # Parley itself, or who administers the installation.
    is_installation: bool = False
    # On whose word a directory acts: the user of the member who configured its connection.
    sponsor_id: UUID | None = None

    def covers(self, role: Role) -> bool:
        """Whether the role permits nothing and reaches nobody beyond this."""
        return grants.covers(self, role)

    def require(self, permission: str) -> None:
        """Raises NotPermitted where the actor lacks it by now."""
        if permission not in self.permissions:
            raise grants.NotPermitted(permission)

    def require_role(self, role: Role) -> None:
        """Raises BeyondOwn for a role that can't be given."""
        grants.require_covered(self, role, field="role")

    def require_teams(self, teams: Collection[Team]) -> None:
        """Raises OtherTeams for teams that nobody can be added to."""
        if self.reach is not Reach.ALL and not {team.pk for team in teams} <= self.teams:
            raise OtherTeams

    def require_not_above(self, member: Member) -> None:
        """Raises Above for a member who may do more."""
        if not self.covers(member.role):
            raise Above


def sees_no_less(by: Member, member: Member) -> bool:
    """Whether every record that the member reaches is within `by`'s reach: all, or that of teams which have both."""
    if by.reach is Reach.ALL:
        return True
    if by.reach is not Reach.TEAM or member.reach is Reach.ALL:
        return False
    theirs = set(member.teams.values_list("pk", flat=True))
    return bool(theirs) and theirs <= set(by.teams.values_list("pk", flat=True))


# The installation's administrators and Parley itself.
FULL = Authority(CATALOG, Reach.ALL, frozenset(), is_installation=True)


def authority_of(actor: Actor, organization: Organization) -> Authority:
    """What the actor may do by now. Raises NotYours for one who belongs to the organization no more."""
    if actor.kind is ActorKind.SYSTEM:
        return FULL
    if actor.kind is ActorKind.USER and not actor.impersonator_id:
        superuser = User.objects.filter(pk=actor.id, is_active=True, is_superuser=True).first()
        if superuser is not None:
            return replace(FULL, user_id=superuser.pk)
    if actor.kind is ActorKind.SCIM:
        return _of_directory(actor, organization)
    member = _member_behind(actor, organization)
    if member is None:
        raise NotYours(_("You may not change who belongs to this organization."))
    teams = frozenset(member.teams.values_list("pk", flat=True))
    return Authority(member.permissions, member.reach, teams, member.user_id)


def own_role(organization: Organization, role: Role | None) -> Role:
    """The role, as one of the organization's. Raises Invalid for none, or another organization's."""
    if role is None or role.organization_id != organization.pk:
        raise Invalid("role", _("There is no such role in this organization."))
    return role


def own_teams(organization: Organization, teams: Collection[Team]) -> list[Team]:
    """The teams, as the organization's. Raises Invalid for one of another organization."""
    if any(team.organization_id != organization.pk for team in teams):
        raise Invalid("teams", _("There is no such team in this organization."))
    return sorted(teams, key=lambda team: (team.name, str(team.pk)))


def _of_directory(actor: Actor, organization: Organization) -> Authority:
    """A directory may shut out whoever is there, and asks its sponsor before it gives anything (accounts.scim)."""
    rows = ScimConnection.objects.select_related("configured_by")
    connection = rows.filter(organization=organization, pk=actor.id, is_enabled=True).first()
    if connection is None:
        raise NotYours(_("You may not change who belongs to this organization."))
    sponsor = connection.configured_by
    return Authority(CATALOG, Reach.ALL, frozenset(), sponsor_id=sponsor.user_id if sponsor is not None else None)


def _member_behind(actor: Actor, organization: Organization) -> Member | None:
    members = Member.objects.active().with_access().filter(organization=organization)
    if actor.kind is ActorKind.USER:
        member = members.filter(user_id=actor.id).first()
        if member is not None and actor.impersonator_id:
            member.scopes = CATALOG - NEVER_BY_IMPERSONATION
        return member
    if actor.kind is not ActorKind.API_KEY:
        return None
    key = APIKey.objects.filter(organization=organization, pk=actor.id, revoked_at=None).first()
    member = members.filter(pk=key.member_id).first() if key is not None else None
    if member is not None and key is not None:
        member.scopes = key.permitted
    return member
