"""What the admin's own forms change is written down in the ledger, as what the services change is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from django.db import models

from accounts import events
from accounts.models import Member, Organization, User
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import every_organization, organization_scope

# The contract's name of a column that is called otherwise.
NAMES: Final[Mapping[str, str]] = {"default_country": "country"}


def record_organization(*, before: Organization, after: Organization, fields: Collection[str], actor: Actor) -> None:
    """Record which of these columns changed, with before and after; nothing where none did."""
    changes = {}
    for name in sorted(fields):
        old, new = _shown(before, name), _shown(after, name)
        if old != new:
            changes[NAMES.get(name, name)] = {"from": old, "to": new}
    if changes:
        payload = {"changes": changes}
        record(events.ORGANIZATION_CHANGED, subject=after, organization=after, actor=actor, payload=payload)


def record_user(*, user: User, fields: Collection[str], actor: Actor) -> None:
    """Record in each organization that somebody's name or address was changed, and which: each has its own log."""
    with every_organization("the user may be a member of several"):
        rows = list(Member.objects.present().with_access().filter(user=user).order_by("pk"))
    for member in rows:
        with organization_scope(member.organization):
            if "name" in fields:
                record(events.PROFILE_CHANGED, subject=member, actor=actor, payload={"fields": ["name"]})
            if "email" in fields:
                record(events.EMAIL_CHANGED, subject=member, actor=actor)


def _shown(organization: Organization, name: str) -> object:
    value = getattr(organization, name)
    # Of a picture it says whether there is one.
    is_file = isinstance(organization._meta.get_field(name), models.FileField)
    return bool(value) if is_file else value
