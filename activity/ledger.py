"""`record()`: the change and its event, in one transaction; `record_many()` for what is done by the thousand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from activity import registry
from activity.actor import Actor, current_actor
from activity.audit.content import stamp
from activity.live import announce, announce_many
from activity.models import Event
from core import clock
from core.inserting import insert
from core.jobs import wake_up

if TYPE_CHECKING:
    # The ledger stands below the accounts; for the checker only.
    from accounts.models import Organization

DISPATCH = "activity.tasks.dispatch"
MAX_AT_ONCE = 500


def record(
    event_type: str,
    *,
    subject: models.Model,
    actor: Actor | None = None,
    payload: Mapping[str, object] | None = None,
    organization: Organization | None = None,
    customer_id: UUID | None = None,
    source_key: str | None = None,
) -> Event:
    """Write what happened into the ledger, in the caller's transaction, and have it dispatched after the commit.

    `subject` is what it happened to; its organization and its customer, where it has one, are taken over unless given.
    With a `source_key` the same event of one type is recorded once in an organization; the first row is returned.
    Raises UndeclaredEvent for a type no app declares; a payload that is not as declared is reported in the log.
    """
    listeners = registry.subscribers_of(event_type, inline=False)
    entry = Entry(subject, payload or {}, customer_id)
    fields = _fields(
        event_type, entry, actor or current_actor(), organization, timezone.now(), is_listened_to=bool(listeners)
    )
    inline = registry.subscribers_of(event_type, inline=True)
    # A savepoint only where something else may fail: two statements less for every other event. Whoever takes many at
    # once belongs to the caller's transaction whole, as the event does.
    may_fail = source_key is not None or any(subscription.many is None for subscription in inline)
    with transaction.atomic(savepoint=may_fail):
        if source_key is None:
            event, is_new = stamp(Event(**fields)), True
            event.save(force_insert=True)
        else:
            stamped = stamp(Event(**fields, source_key=source_key))
            event, is_new = Event.objects.get_or_create(
                organization=fields["organization"],
                type=event_type,
                source_key=source_key,
                defaults={**fields, "id": stamped.pk, "salt": stamped.salt, "proof": stamped.proof},
            )
        if is_new:
            for subscription in inline:
                subscription.handler(event)
    if is_new:
        announce(event)
        if listeners:
            wake_up(DISPATCH)
    return event


@dataclass(frozen=True, slots=True)
class Entry:
    """One of many events of a type: its subject and its payload."""

    subject: models.Model
    payload: Mapping[str, object] = field(default_factory=dict)
    customer_id: UUID | None = None


@transaction.atomic
def record_many(
    event_type: str, entries: Iterable[Entry], *, actor: Actor | None = None, organization: Organization | None = None
) -> int:
    """Like `record` for each entry, of one organization, in a statement for each 500; how many were written.

    Live listeners get one signal for all. Raises UndeclaredEvent for a type no app declares.
    """
    registry.require_declared(event_type)  # also where there is no entry
    actor = actor or current_actor()
    listeners = registry.subscribers_of(event_type, inline=False)
    inline = registry.subscribers_of(event_type, inline=True)
    now, count = timezone.now(), 0
    last: Event | None = None
    rest = iter(entries)
    while some := list(islice(rest, MAX_AT_ONCE)):
        events = [
            stamp(Event(**_fields(event_type, entry, actor, organization, now, is_listened_to=bool(listeners))))
            for entry in some
        ]
        insert(events)
        for subscription in inline:
            subscription.call_inline(events)
        count, last = count + len(events), events[-1]
    if last is not None:
        announce_many(last)
        if listeners:
            wake_up(DISPATCH)
    return count


def _fields(
    event_type: str,
    entry: Entry,
    actor: Actor,
    organization: Organization | None,
    now: datetime,
    *,
    is_listened_to: bool,
) -> dict[str, Any]:
    registry.check_payload(event_type, entry.payload)
    actor = _with_impersonator(actor)
    subject = entry.subject
    organization = organization or getattr(subject, "organization", None)
    return {
        "organization": organization,
        "type": event_type,
        "occurred_at": now,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_label": actor.label[:200],
        "impersonator_id": actor.impersonator_id,
        "request_id": actor.request_id[:64],
        "depth": actor.depth,
        "subject_type": subject._meta.label_lower,
        "subject_id": str(subject.pk),
        "customer_id": entry.customer_id or getattr(subject, "customer_id", None),
        "payload": entry.payload,
        "dispatch_state": Event.DispatchState.PENDING if is_listened_to else Event.DispatchState.DONE,
        "due_at": clock.now() if is_listened_to else None,
    }


def _with_impersonator(actor: Actor) -> Actor:
    """Whatever is done while somebody acts for another names both, also what is done by itself on the way."""
    acting = current_actor()
    if not acting.impersonator_id or actor.impersonator_id:
        return actor
    label = acting.label if actor.id == acting.id else actor.label
    return replace(actor, impersonator_id=acting.impersonator_id, label=label)
