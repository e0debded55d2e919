"""Actions, and the follow-up process that the first of them begins: one open for a customer, never moved back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import days, events
from customers.models import Customer, Interaction, Process
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.customers import services as customers
from customers.people.settings import services as customer_settings
from customers.work.interactions import services as interactions

NAME = "Follow-up"
SETTABLE = frozenset({"name", "channel", "status", "next_follow_up_at"})
OPEN = [status.value for status in Process.OPEN]


class CannotChange(Refused):
    """The process can't change to this status; the text says why."""

    status, code = 409, "ended"


class InSequence(CannotChange):
    """What a sequence does is begun there, and does not go on once it ended."""

    code = "in_sequence"

    def __init__(self) -> None:
        super().__init__("The way through this sequence has ended. Begin it again from the sequence.")


class AnotherOpen(CannotChange):
    """A customer has one open process at most."""

    code = "another_open"

    def __init__(self) -> None:
        super().__init__("The customer has an open process of this kind already.")


@transaction.atomic
def log_action(
    *,
    customer: Customer,
    actor: Actor,
    action_type: str,
    content: str,
    occurred_at: datetime | None = None,
    direction: str = Interaction.Direction.OUTBOUND,
    duration_seconds: int | None = None,
) -> Interaction:
    """Log an action. Where the customer has no open follow-up process it begins one; else it moves that on.

    The next follow-up is as many days after the action as the organization says. An action that is older than the last
    one is logged and moves nothing. However many come at once, one process is open: the customer's row is held.
    Raises InFuture or CustomerMissing.
    """
    locked = locking.lock_customer(customer)
    action = interactions.log(
        customer=locked, actor=actor, content=content, channel=action_type, direction=direction,
        occurred_at=occurred_at or timezone.now(), duration_seconds=duration_seconds,
    )  # fmt: skip
    _carry_on(locked, action, actor)
    return action


@transaction.atomic
def start(
    *,
    customer: Customer,
    actor: Actor,
    name: str = NAME,
    channel: str = "",
    status: str = Process.Status.ACTIVE,
    next_follow_up_at: datetime | None = None,
) -> Process:
    """Begin one without an action. Raises AnotherOpen or CustomerMissing."""
    locked = locking.lock_customer(customer)
    if status in OPEN and Process.objects.open_follow_up(locked) is not None:
        raise AnotherOpen
    process = Process.objects.create(
        organization=locked.organization, customer=locked, name=name, channel=channel, status=status,
        next_follow_up_at=next_follow_up_at,
    )  # fmt: skip
    record(events.PROCESS_STARTED, subject=process, actor=actor, payload={"name": name, "channel": channel})
    if next_follow_up_at is not None and process.status == Process.Status.ACTIVE:
        customers.set_follow_up(customer=locked, at=next_follow_up_at, actor=actor)
    return process


@transaction.atomic
def update(*, process: Process, actor: Actor, changes: Mapping[str, object]) -> Process:
    """Set fields. The next follow-up of an active process is its customer's; one that ends or rests takes it away.

    One of a sequence has no follow-up of its own: what runs it goes by its status and its next moment.

    Raises AnotherOpen where an ended one would be open beside another, InSequence for one of a sequence that ended,
    and CustomerMissing.
    """
    locked = locking.lock_customer(process.customer)
    rows = Process.objects.select_for_update(of=("self",)).select_related("organization", "customer", "last_action")
    current = rows.get(pk=process.pk)
    was = current.status
    is_follow_up = current.kind == Process.Kind.FOLLOW_UP
    if changes.get("status", was) in OPEN and was not in OPEN:
        if not is_follow_up:
            raise InSequence
        if Process.objects.open_follow_up(locked) is not None:
            raise AnotherOpen
    was_due = current.next_follow_up_at
    changed = set_fields(current, changes, settable=SETTABLE)
    if not changed:
        return current
    record(events.PROCESS_CHANGED, subject=current, actor=actor, payload={"name": current.name, "changes": changed})
    if not is_follow_up:
        # What runs it followed, and wrote down where it stands now.
        current.refresh_from_db(fields=sorted(SETTABLE | {"updated_at"}))
        return current
    if current.status == Process.Status.ACTIVE:
        if was != current.status or was_due != current.next_follow_up_at:
            customers.set_follow_up(customer=locked, at=current.next_follow_up_at, actor=actor)
    elif was == Process.Status.ACTIVE and locked.next_follow_up_at == was_due:
        customers.set_follow_up(customer=locked, at=None, actor=actor)
    return current


@transaction.atomic
def begin_sequence(*, customer: Customer, actor: Actor, sequence: UUID, name: str, channel: str = "") -> Process:
    """A way through a sequence, for a customer whose row is held. Raises AnotherOpen for one who is in it."""
    rows = Process.objects.filter(customer=customer, kind=Process.Kind.SEQUENCE, sequence=sequence, status__in=OPEN)
    if rows.exists():
        raise AnotherOpen
    process = Process.objects.create(
        organization=customer.organization, customer=customer, kind=Process.Kind.SEQUENCE, sequence=sequence,
        name=name, channel=channel, status=Process.Status.PENDING,
    )  # fmt: skip
    record(events.PROCESS_STARTED, subject=process, actor=actor, payload={"name": name, "channel": channel})
    return process


def follow(*, process: Process, status: str, next_at: datetime | None, actor: Actor) -> None:
    """Show where a way through a sequence stands; called by what runs it, with the customer held."""
    changed = set_fields(process, {"status": status, "next_follow_up_at": next_at}, settable=SETTABLE)
    if "status" in changed:
        record(events.PROCESS_CHANGED, subject=process, actor=actor, payload={"name": process.name, "changes": changed})


def pause(*, process: Process, actor: Actor) -> Process:
    """Rest until it is resumed; nothing is due meanwhile. Raises CannotChange for one that ended."""
    return _turn(process, actor, Process.Status.PAUSED)


def resume(*, process: Process, actor: Actor) -> Process:
    """Go on, with the next follow-up that it had. Raises CannotChange for one that ended."""
    return _turn(process, actor, Process.Status.ACTIVE)


def cancel(*, process: Process, actor: Actor) -> Process:
    """End it without a result. Raises CannotChange for one that is completed."""
    return _turn(process, actor, Process.Status.CANCELLED)


@transaction.atomic
def delete(*, process: Process, actor: Actor) -> None:
    """Take a process away; of an active one its follow-up too. Raises CustomerMissing."""
    if process.is_open:
        process = update(process=process, actor=actor, changes={"status": Process.Status.CANCELLED})
    record(events.PROCESS_DELETED, subject=process, actor=actor, payload={"name": process.name})
    process.delete()


def _turn(process: Process, actor: Actor, status: Process.Status) -> Process:
    with transaction.atomic():
        locking.lock_customer(process.customer)
        current = Process.objects.get(pk=process.pk)
        if not current.is_open and current.status != status:
            raise CannotChange(f"The process is {current.status}; it can’t become {status.value}.")
        return update(process=process, actor=actor, changes={"status": status})


def _carry_on(customer: Customer, action: Interaction, actor: Actor) -> None:
    """Called with the customer held: two actions at once come one after the other."""
    wait = timedelta(days=customer_settings.of(customer.organization).follow_up_days)
    zone = customer.organization.zone
    local = action.occurred_at.astimezone(zone)
    # At the same hour there, also where the clocks change between.
    due = days.at(local.date() + wait, local.time(), zone)
    process = Process.objects.open_follow_up(customer)
    if process is None:
        process = Process.objects.create(
            organization=customer.organization, customer=customer, name=NAME, channel=action.channel,
            last_action=action, last_action_at=action.occurred_at, next_follow_up_at=due,
        )  # fmt: skip
        payload = {"name": NAME, "channel": action.channel, "next_follow_up_at": due}
        record(events.PROCESS_STARTED, subject=process, actor=actor, payload=payload)
    elif process.last_action_at is not None and action.occurred_at < process.last_action_at:
        return
    else:
        was = process.next_follow_up_at
        process.last_action, process.last_action_at = action, action.occurred_at
        process.next_follow_up_at, process.updated_at = due, timezone.now()
        process.save()
        payload = {"name": process.name, "changes": {"next_follow_up_at": {"from": was, "to": due}}}
        record(events.PROCESS_CHANGED, subject=process, actor=actor, payload=payload)
    if process.status == Process.Status.ACTIVE:
        customers.set_follow_up(customer=customer, at=due, actor=actor)


def before_merge(loser: Customer, survivor: Customer) -> dict[UUID, dict[str, object]]:
    """A merge brings two open ones of a kind together: the survivor's goes on, the other one is cancelled."""
    open_ones = Process.objects.filter(status__in=OPEN)
    present = set(open_ones.filter(customer=survivor).values_list("kind", "sequence"))
    both = [row.pk for row in open_ones.filter(customer=loser) if (row.kind, row.sequence) in present]
    return {pk: {"status": Process.Status.CANCELLED.value} for pk in both}
