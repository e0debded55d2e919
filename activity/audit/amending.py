"""The two ways in which a sealed event may change, each with an event of the chain that says so.

Erasing takes content away and gives the row a new salt; moving gives it to another customer, as a merge does. What the
row had, and what it has since, is named there, so that the check tells it from a change behind the program's back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction

from activity import events
from activity.audit import content, guard
from activity.audit.sealing import FIELDS, chain_of
from activity.ledger import record
from activity.models import AuditChain, Event
from core.tenancy import every_organization

STEP: Final = 200
Payload = dict[str, object]
Remaining = Callable[[Event], Payload]


@transaction.atomic
def erase(*, ids: Iterable[UUID], remaining: Remaining) -> int:
    """Leave of these events' payloads what `remaining` says, and no error text; how many changed.

    It is not announced whom it was about: the event in the chain names rows and digests only.
    """
    count = 0
    for some in _locked(ids):
        entries, changed = [], []
        for event in some:
            payload = remaining(event)
            if payload == event.payload and not event.last_error:
                continue
            before = content.digest_of(event)
            event.payload, event.last_error = payload, ""
            if event.is_sealed:
                event.salt = content.new_salt()
                entries.append(f"{event.pk} {before} {content.digest_of(event)}")
            elif event.salt:
                content.stamp(event)
            changed.append(event)
        with guard.allowing("erase"):
            Event.objects.bulk_update(changed, ["payload", "last_error", "salt", "proof"], batch_size=STEP)
        if entries:
            chain = chain_of(changed[0].organization_id)
            record(events.EVENTS_ERASED, subject=chain, payload={"count": len(entries), "events": entries})
        count += len(changed)
    return count


@transaction.atomic
def move(*, ids: Iterable[UUID], customer_id: UUID) -> int:
    """Give these events to another customer; how many."""
    count = 0
    for some in _locked(ids):
        entries = [
            f"{event.pk} {event.customer_id or '-'} {customer_id}"
            for event in some
            if event.is_sealed and event.customer_id != customer_id
        ]
        changed = [event for event in some if event.customer_id != customer_id]
        for event in changed:
            event.customer_id = customer_id
            if not event.is_sealed and event.salt:
                content.stamp(event)
        with guard.allowing("move"):
            Event.objects.bulk_update(changed, ["customer_id", "salt", "proof"], batch_size=STEP)
        if entries:
            chain = chain_of(changed[0].organization_id)
            record(events.EVENTS_MOVED, subject=chain, payload={"count": len(entries), "events": entries})
        count += len(some)
    return count


def _locked(ids: Iterable[UUID]) -> Iterator[list[Event]]:
    """The rows, held until the transaction ends, so that nobody seals what they were."""
    rest = iter(ids)
    while some := list(islice(rest, STEP)):
        rows = Event.objects.select_for_update(no_key=True).filter(pk__in=some).order_by("pk")
        if found := list(rows.only(*FIELDS, "last_error", "is_sealed")):
            yield found


@dataclass
class Amendments:
    """What the chain says of changed events: by event the value that it had first, and the one that it has now."""

    erased: dict[str, tuple[str, str]] = field(default_factory=dict)
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)

    def explain(self, event: Event) -> tuple[str | None, str | None, bool]:
        """The digest and the customer with which the event was written, and whether the row has what it should."""
        key = str(event.pk)
        digest, customer, is_right = None, None, True
        if key in self.erased:
            digest, now = self.erased[key]
            is_right = content.digest_of(event) == now
        if key in self.moved:
            customer, current = self.moved[key]
            is_right = is_right and str(event.customer_id) == current
        return digest, customer, is_right


def amendments_of(organization_id: UUID) -> Amendments:
    """Every erasure and move that the chain of an organization tells of."""
    result = Amendments()
    with every_organization("the check reads the organization that it was given"):
        chain = AuditChain.objects.filter(organization_id=organization_id).first()
        rows = Event.objects.filter(
            organization_id=organization_id,
            subject_type=AuditChain._meta.label_lower,
            subject_id=str(chain.pk) if chain else "",
            type__in=[events.EVENTS_ERASED, events.EVENTS_MOVED],
        ).order_by("pk")
        for event in rows.only(*FIELDS, "is_sealed").iterator(chunk_size=50):
            if event.is_sealed or content.is_genuine(event, content.hash_of(event)):
                known = result.erased if event.type == events.EVENTS_ERASED else result.moved
                _note(known, event.payload)
    return result


def _note(known: dict[str, tuple[str, str]], payload: object) -> None:
    """Take the entries in; a row that somebody changed may hold anything."""
    entries = payload.get("events") if isinstance(payload, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        parts = str(entry).split(" ")
        if len(parts) == 3:
            key, before, after = parts
            first = known[key][0] if key in known else before
            known[key] = (first, after)
