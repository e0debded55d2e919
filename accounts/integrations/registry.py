"""What an organization can be connected with: apps register their kinds, each says how it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.functional import Promise

from accounts.models import Organization
from core.registry import Registry


class Status(StrEnum):
    CONNECTED = "connected"
    FAILING = "failing"
    OFF = "off"
    NOT_CONNECTED = "not_connected"


@dataclass(frozen=True, slots=True)
class State:
    """How a kind stands: `names` are what is connected, as the organization calls it."""

    status: Status
    names: tuple[str, ...] = ()
    last_used_at: datetime | None = None


NOTHING = State(Status.NOT_CONNECTED)


@dataclass(frozen=True, slots=True)
class Integration:
    """A kind of thing to connect with. `state` reads how it stands, in the open organization, in two queries at most.

    `url_name` is the page where it is set up, which takes the organization's slug; `connect` the call that does it, or
    empty where only the page can.
    """

    type: str
    label: str | Promise
    description: str | Promise
    position: int
    url_name: str
    state: Callable[[Organization], State]
    connect: str = ""


INTEGRATIONS: Registry[Integration] = Registry(
    "What an organization can be connected with",
    name=lambda one: one.type,
    order=lambda one: one.position,
    describe=lambda one: str(one.label),
)


def register(integration: Integration) -> None:
    """Add a kind. Raises RegisteredTwice."""
    INTEGRATIONS.register(integration)
