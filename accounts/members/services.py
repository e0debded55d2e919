"""Members come, change and go; who is shut out is out at once."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import events
from accounts.models import APIKey, Member, TokenFamily
from accounts.permissions import ADMIN
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused


class LastAdministrator(Refused):
    """An organization keeps an administrator."""

    status = 409

    def __init__(self) -> None:
        super().__init__("This is the organization's last administrator. Make somebody else one first.")


Access = dict[str, object]


def access_of(member: Member) -> Access:
    """What decides what a member may do, as the ledger says it."""
    teams = sorted(member.teams.values_list("name", flat=True))
    return {"role": member.role.key, "teams": teams, "is_active": member.is_active}


def record_saved(*, member: Member, before: Access | None, actor: Actor) -> None:
    """Write down that somebody became a member (`before` is None), or what of their access changed, if anything."""
    after = access_of(member)
    if before is None:
        record(events.MEMBER_ADDED, subject=member, actor=actor, payload={"role": member.role.key})
    elif after != before:
        changes = {name: {"from": before[name], "to": after[name]} for name in after if before[name] != after[name]}
        record(events.MEMBER_CHANGED, subject=member, actor=actor, payload={"changes": changes})


@transaction.atomic
def deactivate(*, member: Member, actor: Actor) -> None:
    """Shut a member out: pages, tokens, keys and live streams, from this moment.

    Raises LastAdministrator when nobody would be left to administer.
    """
    require_other_administrator(member=member)
    now = timezone.now()
    member.is_active = False
    member.save(update_fields=["is_active"])
    TokenFamily.objects.filter(member=member, revoked_at=None).update(revoked_at=now, revoked_reason="deactivated")
    APIKey.objects.filter(member=member, revoked_at=None).update(revoked_at=now)
    record(events.MEMBER_DEACTIVATED, subject=member, actor=actor)


@transaction.atomic
def require_other_administrator(*, member: Member) -> None:
    """Raises LastAdministrator where nobody but this member administers the organization."""
    # Locked, so that two administrators can't remove each other at the same moment.
    administrators = Member.objects.select_for_update().filter(
        organization=member.organization,
        role__key=ADMIN.key,
        role__is_system=True,
        is_active=True,
        user__is_active=True,
    )
    if {m.pk for m in administrators} == {member.pk}:
        raise LastAdministrator
