"""Which events there are, and who listens.

An app declares its events in `events.py` and subscribes in `apps.py`; `manage.py show_registrations` prints both.
This is the one way in which a lower floor reaches an upper one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.registry import Registry

if TYPE_CHECKING:
    from activity.models import Event

Handler = Callable[["Event"], None]


class UndeclaredEvent(Exception):
    """An event type that no app's events.py declares."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`handler` is called for events of `event_type` ("*" for all).

    `inline`: inside the transaction that records the event, for what must be there when it commits. Otherwise after the
    commit, at least once, each call in a transaction of its own with the receipt that keeps it from a second one.
    """

    name: str
    event_type: str
    handler: Handler
    inline: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """An event type, and what it says."""

    event_type: str
    description: str


def _when(subscription: Subscription) -> str:
    return f"{subscription.event_type}, {'in the transaction' if subscription.inline else 'after the commit'}"


EVENTS: Registry[Declared] = Registry(
    "Events",
    name=lambda event: event.event_type,
    order=lambda event: event.event_type,
    describe=lambda event: event.description,
)
SUBSCRIPTIONS: Registry[Subscription] = Registry(
    "Subscribers of events", name=lambda subscription: subscription.name, describe=_when
)


def declare(event_type: str, description: str) -> str:
    """Make an event type known; returns its name, to be kept as a constant. Raises RegisteredTwice."""
    return EVENTS.register(Declared(event_type, description)).event_type


def declared() -> dict[str, str]:
    """Every event type with its description."""
    return {event.event_type: event.description for event in EVENTS}


def require_declared(event_type: str) -> None:
    """Raises UndeclaredEvent for a type nobody declared."""
    if event_type not in EVENTS:
        raise UndeclaredEvent(f"No app declares the event {event_type!r}: add it to the app's events.py.")


def subscribe(event_type: str, handler: Handler, *, name: str, inline: bool = False) -> None:
    """Have `handler` called for each event of this type. The name is the subscriber's identity for good."""
    if event_type != "*":
        require_declared(event_type)
    SUBSCRIPTIONS.register(Subscription(name, event_type, handler, inline))


def subscriptions() -> list[Subscription]:
    """Every subscription, in the order of registration."""
    return list(SUBSCRIPTIONS)


def subscribers_of(event_type: str, *, inline: bool) -> list[Subscription]:
    """Who is to be told of an event of this type."""
    return [s for s in SUBSCRIPTIONS if s.inline is inline and s.event_type in (event_type, "*")]
