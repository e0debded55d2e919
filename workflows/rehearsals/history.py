"""What was known of a customer at a moment: walked back from now through the ledger, and on from there."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from activity.actor import ActorKind
from activity.models import Event
from activity.rules import OWN_FIELD_PREFIX
from customers import events as customer_events
from customers.models import Consent, Customer
from messaging.models import Conversation, Message
from workflows.models import RunMessage
from workflows.rules.facts import EventFacts
from workflows.rules.going_on import HAPPENINGS
from workflows.rules.waits import CAUSES

# What one act does belongs together, and was done when rules were asked: a customer is made and gets an owner at once.
SETTLES: Final = timedelta(seconds=5)
# Before an event: what was written then still counts (the reply window, the messages of a day).
LOOK_BACK: Final = timedelta(days=1)
MOVES: Final = (customer_events.STAGE_CHANGED, customer_events.STAGE_CHANGE_UNDONE)
TAGGING: Final = (customer_events.TAG_ADDED, customer_events.TAG_REMOVED)
CHANGING: Final = (*MOVES, *TAGGING, customer_events.CUSTOMER_ASSIGNED, customer_events.CUSTOMER_UPDATED)
READ_TYPES: Final = tuple({*CHANGING, *CAUSES, *HAPPENINGS})
OWN_FIELDS: Final = "custom_fields"
# The fields of conditions by that of the customer which `customer.updated` names.
UPDATED_FIELDS: Final[Mapping[str, str]] = {
    "status": "customer_status",
    "source": "customer_source",
    "phone": "customer_phone",
    "language": "language",
    "do_not_contact": "do_not_contact",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field's change: when, and what it was before and after."""

    at: datetime
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tag put on, or taken off."""

    at: datetime
    name: str
    is_added: bool


def _at(entry: Change | Tagging) -> datetime:
    return entry.at


class CustomerHistory:
    """What a customer was like at any moment since a beginning, and what happened to them, oldest first.

    What a rehearsed rule would have changed is laid over it (`simulate`), from its moment until somebody really
    changed the same.
    """

    def __init__(
        self,
        customer: Customer | None,
        events: Sequence[Event] = (),
        messages: Sequence[Message] = (),
        consents: Sequence[Consent] = (),
        conversations: Sequence[Conversation] = (),
    ) -> None:
        self.customer = customer
        self.events, self.messages = events, messages
        self.consents, self.conversations = consents, conversations
        # Messages that the rule itself really sent, which stand in the way of none that it sends again.
        self.own_messages: frozenset[UUID] = frozenset()
        # What the rule would have sent: at which moments.
        self.sent: list[datetime] = []
        self._moments = [event.occurred_at for event in events]
        self._changes: dict[str, list[Change]] = {}
        self._taggings: list[Tagging] = []
        for event in events:
            self._read(event)
        self._first_tags = self._walk_back()

    def value(self, field: str, at: datetime, current: object) -> object:
        """A field of conditions as it was; `current`: as it is now, for one that nothing changed since."""
        changes = self._changes.get(field)
        if not changes:
            return current
        past = [change for change in changes if change.at <= at]
        return past[-1].after if past else changes[0].before

    def tags(self, at: datetime) -> list[str]:
        """The names of the tags, in order."""
        names = set(self._first_tags)
        for tagging in self._taggings:
            if tagging.at > at:
                break
            (names.add if tagging.is_added else names.discard)(tagging.name)
        return sorted(names)

    def settled(self, event: Event) -> datetime:
        """The moment at which rules were asked about the event: after what the same act did beside it."""
        # What comes in is recorded without a request, by the system: what it did to one customer within moments is one.
        if not event.request_id and not _is_of_system(event):
            return event.occurred_at
        beside = (
            other.occurred_at
            for other in self.between(event.occurred_at, event.occurred_at + SETTLES)
            if other.request_id == event.request_id
            and other.depth <= event.depth
            and (event.request_id or _is_of_system(other))
        )
        return max(beside, default=event.occurred_at)

    def simulate(self, field: str, at: datetime, *, before: object, after: object) -> None:
        """Lay a change of the rehearsed rule over the history."""
        insort(self._changes.setdefault(field, []), Change(at, before, after), key=_at)

    def simulate_tag(self, name: str, at: datetime, *, is_added: bool) -> None:
        insort(self._taggings, Tagging(at, name, is_added), key=_at)

    def between(self, after: datetime, until: datetime) -> Sequence[Event]:
        """What happened after a moment, until another one."""
        return self.events[bisect_right(self._moments, after) : bisect_right(self._moments, until)]

    def consented(self, channel_kind: str, at: datetime) -> bool | None:
        """The word on messages on a channel that was in force; None where there was none."""
        words = [
            consent.is_granted
            for consent in self.consents
            if consent.channel in (channel_kind, "") and consent.created_at <= at
        ]
        return words[-1] if words else None

    def _read(self, event: Event) -> None:
        payload, at = event.payload, event.occurred_at
        if event.type in CHANGING and self.customer is not None and event.subject_id != str(self.customer.pk):
            # Of one who was merged into them: that one's stage and owner were never theirs.
            return
        if event.type in MOVES:
            self._add("customer_stage", at, payload)
        elif event.type == customer_events.CUSTOMER_ASSIGNED:
            self._add("assigned_to", at, payload)
        elif event.type in TAGGING:
            self._taggings.append(Tagging(at, str(payload.get("tag")), event.type == customer_events.TAG_ADDED))
        elif event.type == customer_events.CUSTOMER_UPDATED:
            self._read_updated(at, payload.get("changes"))

    def _read_updated(self, at: datetime, changes: object) -> None:
        if not isinstance(changes, dict):
            return
        for name, change in changes.items():
            if not isinstance(change, dict):
                continue
            if name in UPDATED_FIELDS:
                self._add(UPDATED_FIELDS[name], at, change)
            elif name == OWN_FIELDS:
                before, after = (change.get(end) or {} for end in ("from", "to"))
                for key in {*before, *after}:
                    if before.get(key) != after.get(key):
                        self._add(
                            f"{OWN_FIELD_PREFIX}{key}", at, {"from": before.get(key), "to": after.get(key)}
                        )  # fmt: skip
            elif name.startswith(OWN_FIELD_PREFIX):
                self._add(name, at, change)

    def _add(self, field: str, at: datetime, change: Mapping[str, object]) -> None:
        if "from" in change or "to" in change:
            self._changes.setdefault(field, []).append(Change(at, change.get("from"), change.get("to")))

    def _walk_back(self) -> frozenset[str]:
        """The tags at the beginning: those of now without what came since."""
        names: set[str] = set() if self.customer is None else {tag.name for tag in self.customer.tags.all()}
        for tagging in reversed(self._taggings):
            (names.discard if tagging.is_added else names.add)(tagging.name)
        return frozenset(names)


class PastFacts(EventFacts):
    """The facts of an event as they were at a moment (`at`), by the customer’s history."""

    history: CustomerHistory = CustomerHistory(None)

    def __call__(self, name: str) -> object:
        if name == "customer_tags":
            return [] if self.customer is None else self.history.tags(self.at)
        current = super().__call__(name)
        return current if self.customer is None else self.history.value(name, self.at, current)


def read_histories(facts: Sequence[PastFacts], workflow_id: UUID) -> None:
    """Give the facts of events their customers’ histories until now; five queries, whoever and however many they are
    about."""
    customers = {one.customer.pk: one.customer for one in facts if one.customer is not None}
    if not customers:
        return
    since = min(one.event.occurred_at for one in facts)
    read = _grouped(
        Event.objects.filter(customer_id__in=customers, type__in=READ_TYPES, occurred_at__gte=since - SETTLES)
        .only(
            "type",
            "occurred_at",
            "actor_kind",
            "actor_id",
            "depth",
            "request_id",
            "payload",
            "customer_id",
            "subject_id",
        )
        .order_by("occurred_at", "id")
    )
    written = _grouped(
        Message.objects.filter(customer__in=customers, created_at__gte=since - LOOK_BACK)
        .only("customer_id", "conversation_id", "direction", "origin", "is_private", "status", "created_at")
        .order_by("created_at", "pk")
    )
    consents = _grouped(
        Consent.objects.filter(customer__in=customers, purpose=Consent.Purpose.MESSAGES).order_by("created_at", "id")
    )
    threads = _grouped(
        Conversation.objects.filter(customer__in=customers).select_related("channel").order_by("-last_message_at", "pk")
    )
    own = RunMessage.objects.filter(run__workflow=workflow_id, message__customer__in=customers)
    own_messages = frozenset(own.values_list("message_id", flat=True))
    result = {
        pk: CustomerHistory(customer, *(rows.get(pk, ()) for rows in (read, written, consents, threads)))
        for pk, customer in customers.items()
    }
    for one in facts:
        if one.customer is not None:
            one.history = result[one.customer.pk]
            one.history.own_messages = own_messages


def _is_of_system(event: Event) -> bool:
    return event.actor_kind == ActorKind.SYSTEM and event.depth == 0


def _grouped(rows: Iterable[object]) -> dict[UUID, list]:
    by_customer: dict[UUID, list] = {}
    for row in rows:
        by_customer.setdefault(row.customer_id, []).append(row)  # type: ignore[attr-defined]
    return by_customer
