"""The registry of event types and of their subscribers.

An app declares its events in `events.py`, which `apps.py` imports at its top, so that all are known before any app is
ready, and subscribes in `subscribers.py`; `manage.py show_registrations` prints both. This is the one way in which a
lower floor reaches an upper one. A declaration says what the payload has, what erasing keeps of it and what conditions
may ask: rules, erasing and the document (docs/events.md) read that one definition.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise

from activity.payloads import PERSONAL, PayloadField
from activity.rules import ConditionField
from core.registry import Registry

if TYPE_CHECKING:
    from activity.models import Event

Handler = Callable[["Event"], None]
ManyHandler = Callable[[Sequence["Event"]], None]
logger = logging.getLogger(__name__)


class UndeclaredEvent(Exception):
    """An event type that no app's events.py declares."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`handler` is called for events of `event_type` ("*" for all).

    `inline`: inside the transaction that records the event, for what must be there when it commits. Otherwise after the
    commit, at least once, each call in a transaction of its own with the receipt that keeps it from a second one.
    `many`: for events of one type that are recorded together, in place of a call of `handler` for each; only inline.
    """

    name: str
    event_type: str
    handler: Handler
    inline: bool
    many: ManyHandler | None = None

    def call_inline(self, events: Sequence[Event]) -> None:
        if self.many is not None:
            self.many(events)
            return
        for event in events:
            self.handler(event)


@dataclass(frozen=True, slots=True)
class Declared:
    """An event type: when it is recorded, its payload's fields, and the fields of conditions that it offers."""

    event_type: str
    description: str | Promise
    payload: tuple[PayloadField, ...] = ()
    conditions: tuple[ConditionField, ...] = ()

    @property
    def is_trigger(self) -> bool:
        """Whether rules may begin with it: it has to offer a condition field."""
        return bool(self.conditions)

    @property
    def may_name_people(self) -> bool:
        """Whether the payload may identify a person."""
        return any(field.kind in PERSONAL for field in self.payload)

    def mismatches(self, payload: Mapping[str, object]) -> list[str]:
        """The names of the fields in which a payload differs from its declaration; never a value."""
        known = {field.name: field for field in self.payload}
        wrong = [f"{name} is not declared" for name in payload if name not in known]
        for name, field in known.items():
            if name not in payload and not field.is_optional:
                wrong.append(f"{name} is missing")
            elif name in payload and not field.accepts(payload[name]):
                wrong.append(f"{name} is no {field.kind}")
        return wrong

    def kept_fields(self, payload: Mapping[str, object]) -> dict[str, object]:
        """The part of a payload that does not identify the person, and stays when they are erased."""
        known = {field.name: field for field in self.payload}
        return {name: value for name, value in payload.items() if name in known and known[name].keeps(value)}


def _when(subscription: Subscription) -> str:
    return f"{subscription.event_type}, {'in the transaction' if subscription.inline else 'after the commit'}"


EVENTS: Registry[Declared] = Registry(
    "Events",
    name=lambda event: event.event_type,
    order=lambda event: event.event_type,
    describe=lambda event: str(event.description),
)
SUBSCRIPTIONS: Registry[Subscription] = Registry(
    "Subscribers of events", name=lambda subscription: subscription.name, describe=_when
)


def declare(
    event_type: str, description: str | Promise, *payload: PayloadField, conditions: Sequence[ConditionField] = ()
) -> str:
    """Make an event type known; returns its name, to be kept as a constant. Raises RegisteredTwice."""
    return EVENTS.register(Declared(event_type, description, payload, tuple(conditions))).event_type


def require_declared(event_type: str) -> Declared:
    """The declaration. Raises UndeclaredEvent for a type nobody declared."""
    declared = EVENTS.get(event_type)
    if declared is None:
        raise UndeclaredEvent(f"No app declares the event {event_type!r}: add it to the app's events.py.")
    return declared


def check_payload(event_type: str, payload: Mapping[str, object]) -> None:
    """Report a payload that is not as declared; the event is written all the same, since with it a message would be
    lost. Erasing keeps nothing of what is not declared (docs/decisions/0064). Raises UndeclaredEvent."""
    if wrong := require_declared(event_type).mismatches(payload):
        logger.error("The payload of %s is not as declared: %s", event_type, "; ".join(wrong))


def kept_of(event_type: str, payload: Mapping[str, object]) -> dict[str, object]:
    """The part of a payload that erasing keeps; empty for a type that nobody declares any more."""
    declared = EVENTS.get(event_type)
    return declared.kept_fields(payload) if declared else {}


def triggers() -> list[str]:
    """The event types that rules may begin with, by name."""
    return [event.event_type for event in EVENTS if event.is_trigger]


def subscribe(event_type: str, handler: Handler, *, name: str, inline: bool = False) -> None:
    """Have `handler` called for each event of this type. The name is the subscriber's identity for good."""
    if event_type != "*":
        require_declared(event_type)
    SUBSCRIPTIONS.register(Subscription(name, event_type, handler, inline))


def subscribe_many(event_type: str, handler: ManyHandler, *, name: str) -> None:
    """Have `handler` called inside the transaction that records events of this type, with all that are recorded at
    once: a bulk change of thousands costs it a few statements and not some for each."""
    require_declared(event_type)
    one = Subscription(name, event_type, lambda event: handler([event]), inline=True, many=handler)
    SUBSCRIPTIONS.register(one)


def subscriptions() -> list[Subscription]:
    """Every subscription, in the order of registration."""
    return list(SUBSCRIPTIONS)


def subscribers_of(event_type: str, *, inline: bool) -> list[Subscription]:
    """The subscriptions for an event of this type."""
    return [s for s in SUBSCRIPTIONS if s.inline is inline and s.event_type in (event_type, "*")]
