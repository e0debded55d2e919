"""What keeps a customer from being deleted: each app says so for its own records, and lets go of them when told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from activity.actor import Actor
from core.registry import Registry
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Blocker:
    """`reasons` names what holds, in words; `release` cancels it, in the transaction of the deletion."""

    name: str
    reasons: Callable[[Customer], list[str]]
    release: Callable[[Customer, Actor], None]


_blockers: Registry[Blocker] = Registry(
    "What keeps a customer from being deleted", name=lambda hold: hold.name, order=lambda hold: hold.name
)


def register(hold: Blocker) -> None:
    """Have it asked before each deletion. Raises RegisteredTwice."""
    _blockers.register(hold)


def reasons_against(customer: Customer) -> list[str]:
    """Why this customer is not simply deleted; empty where nothing holds."""
    return [reason for hold in _blockers for reason in hold.reasons(customer)]


def release(customer: Customer, actor: Actor) -> None:
    """Cancel all that holds."""
    for hold in _blockers:
        hold.release(customer, actor)
