"""The registry of deletion blockers: each app names its own open records, and can cancel them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from activity.actor import Actor
from core.registry import Registry
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Blocker:
    """`reasons` lists the open records in words; `release` cancels them, in the transaction of the deletion."""

    name: str
    reasons: Callable[[Customer], list[str]]
    release: Callable[[Customer, Actor], None]


_blockers: Registry[Blocker] = Registry(
    "What keeps a customer from being deleted", name=lambda hold: hold.name, order=lambda hold: hold.name
)


def register(hold: Blocker) -> None:
    """Register a blocker: it is called before each deletion. Raises RegisteredTwice."""
    _blockers.register(hold)


def reasons_against(customer: Customer) -> list[str]:
    """The reasons against deleting this customer, in words; empty where there are none."""
    return [reason for hold in _blockers for reason in hold.reasons(customer)]


def release(customer: Customer, actor: Actor) -> None:
    """Cancel everything that blocks the deletion."""
    for hold in _blockers:
        hold.release(customer, actor)
