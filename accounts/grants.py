"""Nobody grants what they lack: what a member may hand on to others, and whose access they may change.

Whoever changes roles, teams or members asks here, in the transaction of the change and after `lock`, so that the answer
is still true when the change is written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, TypeVar
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Member, Organization, Role, Team
from accounts.permissions import Reach
from core.refused import Refused

Record = TypeVar("Record", Role, Team)


class Powers(Protocol):
    """What somebody may do, and with whose records: a member, or the authority behind an actor."""

    @property
    def permissions(self) -> frozenset[str]: ...

    @property
    def reach(self) -> Reach: ...


class NotPermitted(Refused):
    """The member's own role does not permit it (any more)."""

    status = 403

    def __init__(self, permission: str) -> None:
        super().__init__(_("Your role does not permit this (%(permission)s).") % {"permission": permission})


class BeyondOwn(Refused):
    """More than the member has themselves: a permission, or a reach."""

    status = 403


class Gone(Refused):
    """Somebody deleted it meanwhile."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("This was deleted meanwhile."))


def lock(organization: Organization) -> Organization:
    """Let no other change of roles, teams or members' roles come between, until the transaction ends."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def read_again(record: Record) -> Record:
    """The role or team as it is now. Raises Gone."""
    current = type(record).objects.select_related("organization").filter(pk=record.pk).first()
    if current is None:
        raise Gone
    return current


def acting(by: Member, permission: str) -> Member:
    """The member as they are now, who may no more than the credentials of the call leave.

    Raises NotPermitted where their role lacks the permission by now, or they were shut out.
    """
    current = Member.objects.active().with_access().filter(pk=by.pk).first()
    if current is None:
        raise NotPermitted(permission)
    current.scopes = by.scopes
    if not current.may(permission):
        raise NotPermitted(permission)
    return current


def require_grantable(by: Powers, permissions: Collection[str], reach: Reach) -> None:
    """Raises BeyondOwn, with the field, for what the member does not have themselves."""
    if beyond := sorted(set(permissions) - by.permissions):
        raise BeyondOwn(
            _("Nobody grants what they lack. Your own role does not permit: %(permissions)s.")
            % {"permissions": ", ".join(beyond)},
            field="permissions",
        )
    if not by.reach.includes(reach):
        raise BeyondOwn(_("This reaches further than your own role does."), field="reach")


def covers(by: Powers, role: Role) -> bool:
    """Whether the role permits nothing that the member lacks, and reaches no further."""
    return role.permissions <= by.permissions and by.reach.includes(role.reach)


def require_covered(by: Powers, role: Role, *, field: str = "") -> None:
    """Raises BeyondOwn for a role that is more than the member's own: it is not theirs to give, take or change."""
    if not covers(by, role):
        raise BeyondOwn(
            _("“%(role)s” permits more than your own role, so it is not yours to give, take or change.")
            % {"role": role.name},
            field=field,
        )


def require_own_teams(reach: Reach, own_teams: Collection[UUID], *, role: Role, holders: Collection[UUID]) -> None:
    """Raises BeyondOwn where a role that reaches teams is given to somebody, or gets more for them, who belongs to a
    team that whoever does it does not reach: they would see or do there what is not theirs to give.

    `reach` and `own_teams` (ids) are of whoever does it, `holders` the ids of the members who have the role then.
    """
    if reach is Reach.ALL or role.reach is not Reach.TEAM:
        return
    if Member.objects.filter(pk__in=holders, teams__in=Team.objects.exclude(pk__in=own_teams)).exists():
        raise BeyondOwn(
            _("“%(role)s” reaches the records of teams, and it would be for people of teams that you don’t belong to.")
            % {"role": role.name},
            field="role",
        )


def may_change_teams(by: Member) -> bool:
    """Whether the member may change teams: who sees a team's records is decided by who is in it."""
    return by.may("users.edit") and by.reach == Reach.ALL


def require_all_reach(by: Powers) -> None:
    """Raises BeyondOwn for whoever does not see all records: with a change of teams they could come to see more."""
    if by.reach != Reach.ALL:
        raise BeyondOwn(_("Teams decide whose records their managers see, so only who sees every record changes them."))
