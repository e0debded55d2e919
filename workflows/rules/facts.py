"""The facts of an event: what the fields of conditions stand for, looked up when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.calendars.hours import OpeningHours
from accounts.calendars.queries import hours_for
from activity.models import Event
from activity.rules import OWN_FIELD_PREFIX
from customers.models import Customer
from messaging.models import Channel, Conversation, Message

# Longer texts are cut in what is kept of a decision; the comparison itself sees all.
MAX_SEEN_LENGTH: Final = 200


class EventFacts:
    """`facts(name)` gives a field's value, None where it has none. At most one query each for the customer, the tags,
    the message, the conversation and the business hours, in the organization that is open."""

    def __init__(
        self, event: Event, hours: dict[UUID | None, OpeningHours] | None = None, *, at: datetime | None = None
    ) -> None:
        self.event = event
        # The moment for which business hours are asked: of a run that waited that is later than its event.
        self.at = at or event.occurred_at
        # By the channel's calendar; shared by those of many events.
        self._hours: dict[UUID | None, OpeningHours] = {} if hours is None else hours

    def __call__(self, name: str) -> object:
        if name.startswith(OWN_FIELD_PREFIX):
            return self.customer and self.customer.custom_fields.get(name.removeprefix(OWN_FIELD_PREFIX))
        if name in _RESOLVERS:
            return _RESOLVERS[name](self)
        return self.event.payload.get(name)

    def forget(self) -> None:
        """Look everything up again when it is asked for: what was read was changed in memory, and taken back."""
        for name in ("customer", "tags", "message", "conversation", "channel"):
            self.__dict__.pop(name, None)

    @cached_property
    def customer(self) -> Customer | None:
        """Whom the event is about, deleted or not; of two that were merged the one that stays."""
        if self.event.customer_id is None:
            return None
        rows = _customers()
        customer: Customer | None = rows.filter(pk=self.event.customer_id).first()
        if customer is not None and customer.merged_into_id is not None:
            customer = rows.filter(pk=customer.merged_into_id).first()
        return customer

    @cached_property
    def tags(self) -> list[str]:
        return [] if self.customer is None else [tag.name for tag in self.customer.tags.all()]

    @cached_property
    def message(self) -> Message | None:
        if self.event.subject_type != Message._meta.label_lower:
            return None
        return _messages().filter(pk=self.event.subject_id).first()

    @cached_property
    def conversation(self) -> Conversation | None:
        """The thread that it happened in."""
        pk = _conversation_id(self.event)
        if pk is None and self.message is not None:
            pk = self.message.conversation_id
        return None if pk is None else _conversations().filter(pk=pk).first()

    @cached_property
    def channel(self) -> Channel | None:
        thread = self.message or self.conversation
        return thread.channel if thread is not None else None

    @property
    def is_open(self) -> bool:
        """Whether it happened within business hours."""
        return self.hours.is_open(self.at)

    @property
    def hours(self) -> OpeningHours:
        """The channel's business hours, else the organization's."""
        calendar = self.channel.calendar if self.channel is not None else None
        key = None if calendar is None else calendar.pk
        if key not in self._hours:
            self._hours[key] = hours_for(self.event.organization, calendar)
        return self._hours[key]


AnyFacts = TypeVar("AnyFacts", bound=EventFacts)


def facts_of(events: Sequence[Event], kind: type[AnyFacts]) -> list[AnyFacts]:
    """The facts of many events of one organization, in a constant number of queries for all that is not merged."""
    hours: dict[UUID | None, OpeningHours] = {}
    result = [kind(event, hours) for event in events]
    customers = _customers().prefetch_related("tags").in_bulk([event.customer_id for event in events])
    of_messages = [event.subject_id for event in events if event.subject_type == Message._meta.label_lower]
    messages = _messages().in_bulk([UUID(pk) for pk in of_messages])
    named = (_conversation_id(event) for event in events)
    conversations = _conversations().in_bulk([pk for pk in named if pk is not None])
    for facts in result:
        customer = customers.get(facts.event.customer_id) if facts.event.customer_id else None
        if customer is None or customer.merged_into_id is None:
            facts.__dict__["customer"] = customer
        if facts.event.subject_type == Message._meta.label_lower:
            facts.__dict__["message"] = messages.get(UUID(facts.event.subject_id))
        if (pk := _conversation_id(facts.event)) is not None:
            facts.__dict__["conversation"] = conversations.get(pk)
    return result


def _conversation_id(event: Event) -> UUID | None:
    """Of the thread that the event names."""
    is_subject = event.subject_type == Conversation._meta.label_lower
    pk = event.subject_id if is_subject else event.payload.get("conversation")
    return UUID(str(pk)) if pk else None


def _customers() -> QuerySet[Customer]:
    return Customer.objects.select_related("organization", "stage", "assigned_to")


def _messages() -> QuerySet[Message]:
    return Message.objects.select_related("channel__calendar")


def _conversations() -> QuerySet[Conversation]:
    return Conversation.objects.select_related("channel__calendar")


def _of_customer(get: Callable[[Customer], object]) -> Callable[[EventFacts], object]:
    return lambda facts: None if facts.customer is None else get(facts.customer)


def _new_customer(facts: EventFacts) -> object:
    return facts.event.payload.get("is_new_customer", False)


_RESOLVERS: Mapping[str, Callable[[EventFacts], object]] = {
    "customer_stage": _of_customer(lambda customer: customer.stage.key),
    "customer_status": _of_customer(lambda customer: customer.status),
    "customer_tags": lambda facts: facts.tags,
    "customer_source": _of_customer(lambda customer: customer.source),
    "customer_phone": _of_customer(lambda customer: customer.phone),
    "assigned_to": _of_customer(lambda customer: customer.assigned_to_id and str(customer.assigned_to_id)),
    "language": _of_customer(lambda customer: customer.language),
    "business_hours": lambda facts: facts.is_open,
    "channel": lambda facts: facts.channel and facts.channel.kind,
    "is_new_customer": _new_customer,
    "message_body": lambda facts: facts.message and facts.message.body,
    "outcome_type": lambda facts: facts.event.payload.get("type"),
}


def names() -> frozenset[str]:
    """The fields of conditions that are looked up; a test holds them against the declared ones."""
    return frozenset(_RESOLVERS)


def kept(value: object) -> object:
    """A value as it is kept with a decision: long texts cut."""
    if isinstance(value, str) and len(value) > MAX_SEEN_LENGTH:
        return value[:MAX_SEEN_LENGTH] + "…"
    return value
