"""What tests do with the ledger that the program does not."""

from __future__ import annotations

from django.db import transaction

from activity.audit import content, guard
from activity.models import Event


@transaction.atomic
def forget_events() -> None:
    """Delete the open organization's events."""
    with guard.allowing("delete"):
        Event.objects.all().delete()


@transaction.atomic
def change_unsealed(**changes: object) -> None:
    """Write into events that are not in the chain yet, as the demo does."""
    with guard.allowing("restate"):
        Event.objects.filter(is_sealed=False).update(**changes)


@transaction.atomic
def stamp_again() -> None:
    """Give the cast's events, which were written under other ids, proofs of their own."""
    rows = [content.stamp(event) for event in Event.objects.filter(is_sealed=False)]
    with guard.allowing("restate"):
        Event.objects.bulk_update(rows, ["salt", "proof"], batch_size=200)
