"""Stages, and moving between them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.models import Customer, Stage, StageChange
from customers.people import locking

# So long a move can be taken back; after that it is a move of its own.
UNDO_WITHIN = timedelta(minutes=30)
MAX_REASON_LENGTH = 300


class UnknownStage(Refused):
    """The organization has no such stage; the text lists those it has."""

    field = "stage"


class CannotUndo(Refused):
    """The move can't be undone; the text says why."""

    status = 409


def find_stage(*, organization: Organization, key: str) -> Stage:
    """The stage with this key. Raises UnknownStage."""
    stages = list(Stage.objects.filter(organization=organization))
    for stage in stages:
        if stage.key == key:
            return stage
    raise UnknownStage(f"“{key}” is not a stage. Use one of: {', '.join(stage.key for stage in stages)}.")


@transaction.atomic
def move(
    *, customer: Customer, stage: Stage, actor: Actor, reason: str = "", since: datetime | None = None
) -> StageChange | None:
    """Move a customer to a stage and write the history; None, and nothing written, where they stand there already.

    `since` is where they come back: since when they had stood there. Raises CustomerMissing.
    """
    current = locking.lock_customer(customer)
    if current.stage_id == stage.pk:
        return None
    now = timezone.now()
    set_stage(customer=current, stage=stage, at=now, since=since)
    change = StageChange.objects.create(
        organization=current.organization,
        customer=current,
        from_stage=current.stage,
        from_name=current.stage.name,
        to_stage=stage,
        to_name=stage.name,
        since=current.stage_since,
        reason=reason[:MAX_REASON_LENGTH],
        actor_kind=actor.kind,
        actor_label=actor.label,
        changed_at=now,
    )
    payload = {"from": current.stage.key, "to": stage.key, "reason": change.reason}
    record(events.STAGE_CHANGED, subject=customer, actor=actor, payload=payload)
    customer.stage, customer.updated_at, customer.last_activity_at = stage, now, now
    customer.stage_since = since or now
    return change


def set_stage(*, customer: Customer, stage: Stage, at: datetime, since: datetime | None = None) -> None:
    """Write the stage. The history and the event are the caller's."""
    Customer.objects.filter(pk=customer.pk).update(
        stage=stage, stage_since=since or at, updated_at=at, last_activity_at=at
    )


@transaction.atomic
def undo_move(*, change: StageChange, actor: Actor) -> None:
    """Undo a move: the customer is in the former stage, since the former time.

    It stays in the history, marked, and counts for nothing. Tasks that the move made stay. Raises CannotUndo where they
    were moved on since, the stage is gone, or the moment for it is over; CustomerMissing.
    """
    current = locking.lock_customer(change.customer)
    last = StageChange.objects.filter(customer=current, undone_at__isnull=True).order_by("-changed_at", "-id").first()
    home = change.from_stage
    if last is None or last.pk != change.pk or current.stage_id != change.to_stage_id or home is None:
        raise CannotUndo("They were moved on meanwhile: this move can’t be taken back any more.")
    now = timezone.now()
    if now - change.changed_at > UNDO_WITHIN:
        raise CannotUndo("This move was made a while ago. Move them back instead.")
    StageChange.objects.filter(pk=change.pk).update(undone_at=now)
    set_stage(customer=current, stage=home, at=now, since=change.since or now)
    payload = {"from": current.stage.key, "to": home.key, "change": str(change.pk)}
    record(events.STAGE_CHANGE_UNDONE, subject=current, actor=actor, payload=payload)
