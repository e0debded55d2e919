"""Roles by groups of a directory: who is in a group has its role, on the word of who said so.

A group has no role unless an administrator gives it one, on the page of the directory. From then on whoever comes into
the group gets it, and whoever leaves it gets that of another of their groups, else what new people become. Of several
the one that permits most counts. An administrator's role is never changed by a group, and none makes one. What takes is
always done; what gives asks whether who saved the connection last may still give it (docs/decisions/0089).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.members import services as members
from accounts.members.authority import own_role
from accounts.models import Member, Role, ScimConnection, ScimGroup, Team
from accounts.permissions import Reach
from accounts.scim import connections
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid

_WIDEST_FIRST: Final = list(Reach)


def strength(role: Role) -> tuple[int, int, str]:
    """By what roles are ordered, the least first: how far they reach, then how much they permit."""
    return (-_WIDEST_FIRST.index(role.reach), len(role.permissions), role.key)


def choices() -> list[Role]:
    """What people can become by a directory, the least first: every role of the open organization but administrator."""
    rows = Role.objects.order_by("name", "id")
    return sorted((role for role in rows if not role.is_administrator), key=strength)


def groups_of(connection: ScimConnection) -> QuerySet[ScimGroup]:
    """The groups that the directory manages, by name, each with its role and `people`, how many are in it."""
    people = Q(team__members__removed_at=None, team__members__user__is_service=False)
    rows = ScimGroup.objects.filter(connection=connection).select_related("team", "role", "organization")
    return rows.annotate(people=Count("team__members", filter=people)).order_by("team__name", "pk")


@transaction.atomic
def set_role(*, group: ScimGroup, role: Role | None, by: Member, actor: Actor) -> int:
    """Give the group a role, at once to everybody in it but administrators; None takes it from the group, and its
    people keep theirs. The connection gives on the word of `by` from then on. Returns how many changed.

    Raises NotAdministrator, Gone, BeyondOwn for a role that `by` may not give, or Invalid with the field.
    """
    connection = connections.take_over(connection=group.connection, by=by, actor=actor)
    rows = ScimGroup.objects.select_related("team", "role", "organization", "connection")
    locked = rows.select_for_update(of=("self",)).filter(pk=group.pk).first()
    if locked is None:
        raise grants.Gone
    if role is not None:
        if own_role(locked.organization, role).is_administrator:
            raise Invalid("role", _("Nobody becomes an administrator by a directory. Choose another role."))
        grants.require_covered(by, role, field="role")
    before = locked.role
    if before == role:
        return 0
    locked.role = role
    locked.save(update_fields=["role"])
    change = {"role": {"from": before.key if before else None, "to": role.key if role else None}}
    payload = {"name": connection.name, "group": locked.team.name, "changes": change}
    record(events.SCIM_GROUP_ROLE, subject=connection, actor=actor, payload=payload)
    if role is None:
        return 0
    people = Member.objects.present().people().filter(teams=locked.team).values_list("pk", flat=True)
    return sum(_become(pk, locked.connection, actor, by=by) for pk in sorted(people))


def follow(*, connection: ScimConnection, team: Team, role: Role | None, moved: Collection[UUID], actor: Actor) -> None:
    """Give those who came into the team or left it, by a call of the directory, the role that they have by now.

    `role` is the group's; without one nothing follows. What may not be given any more is left and noted as a failure:
    the call's own change stands.
    """
    if role is None:
        return
    for pk in sorted(moved):
        _become(pk, connection, actor, group=team.name)


def _become(pk: UUID, connection: ScimConnection, actor: Actor, *, by: Member | None = None, group: str = "") -> bool:
    member = Member.objects.with_access().filter(pk=pk, removed_at=None).first()
    if member is None or member.role.is_administrator:
        return False
    target = _target(member, connection)
    if target is None or target.pk == member.role_id:
        return False
    is_taking = target.permissions <= member.role.permissions and member.role.reach.includes(target.reach)
    if by is None and not is_taking and not connections.may_give(connection, target):
        detail = (
            f"{member.user.get_full_name()} did not get the role “{target.name}”: whoever configured this connection "
            "may no longer give it. An administrator has to save its settings in Parley again."
        )
        connections.note_failure(connection, method="", path=f"/Groups: {group}", status=403, detail=detail)
        return False
    members.change(member=member, actor=actor, role=target)
    return True


def _target(member: Member, connection: ScimConnection) -> Role | None:
    """The most of their groups' roles; without one what new people become, if there is such."""
    rows = ScimGroup.objects.filter(connection=connection, team__members=member, role__isnull=False)
    own: Sequence[Role] = [group.role for group in rows.select_related("role") if group.role is not None]
    return max(own, key=strength) if own else connection.role
