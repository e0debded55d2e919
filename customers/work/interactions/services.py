"""Calls, meetings and notes that somebody logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.days import CLOCK_TOLERANCE
from customers.models import Customer, Interaction
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.customers import services as customers

SETTABLE = frozenset({"channel", "direction", "content", "occurred_at", "duration_seconds"})


class InFuture(Refused):
    """The moment lies in the future."""

    field = "occurred_at"

    def __init__(self) -> None:
        super().__init__("What is logged has happened. For what is to come make a task or set a follow-up.")


@transaction.atomic
def log(*, customer: Customer, actor: Actor, content: str, **fields: object) -> Interaction:
    """Log an interaction. Raises InFuture or CustomerMissing."""
    locking.lock_customer(customer)
    row = Interaction(
        organization=customer.organization, customer=customer, author_id=actor.user_id, author_label=actor.label
    )
    _require_past(fields)
    set_fields(row, {"content": content, **fields}, settable=SETTABLE)
    customers.touch(customer=customer, at=min(row.occurred_at, timezone.now()))
    payload = {"channel": row.channel, "direction": row.direction}
    record(events.INTERACTION_LOGGED, subject=row, actor=actor, payload=payload)
    return row


@transaction.atomic
def update(*, interaction: Interaction, actor: Actor, changes: Mapping[str, object]) -> Interaction:
    """Set fields. Raises InFuture."""
    _require_past(changes)
    current = Interaction.objects.select_for_update(of=("self",)).select_related("author").get(pk=interaction.pk)
    changed = set_fields(current, changes, settable=SETTABLE)
    if changed:
        record(events.INTERACTION_CHANGED, subject=current, actor=actor, payload={"changes": changed})
    return current


@transaction.atomic
def delete(*, interaction: Interaction, actor: Actor) -> None:
    record(events.INTERACTION_DELETED, subject=interaction, actor=actor, payload={"channel": interaction.channel})
    interaction.delete()


def _require_past(fields: Mapping[str, Any]) -> None:
    at = fields.get("occurred_at")
    if at is not None and at > timezone.now() + CLOCK_TOLERANCE:
        raise InFuture
