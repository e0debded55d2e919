"""Snoozing and completing a customer's next follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from activity.actor import Actor
from core.refused import Refused
from customers import days
from customers.models import Customer
from customers.people import locking
from customers.people.customers import services as customers

# What is offered with one click, each with its days from today; next week is its Monday.
CHOICES: Mapping[str, str] = {"tomorrow": "Tomorrow", "three_days": "In three days", "next_week": "Next week"}
FURTHEST = timedelta(days=366 * 3)
_MONDAY = 7


class InvalidDay(Refused):
    """The follow-up can't be set to this day; the text says why."""

    field = "next_follow_up_at"


def day_of(choice: str, today: date) -> date:
    """The day that a choice means. Raises InvalidDay for an unknown one."""
    if choice == "tomorrow":
        return today + timedelta(days=1)
    if choice == "three_days":
        return today + timedelta(days=3)
    if choice == "next_week":
        return today + timedelta(days=_MONDAY - today.weekday())
    raise InvalidDay(f"Choose one of {', '.join(CHOICES)}, or a day.")


@transaction.atomic
def snooze(*, customer: Customer, actor: Actor, to: str | date) -> None:
    """Put the follow-up off, to the time of day that it had (nine in the morning where it had none) in the
    organization's zone. `to` is one of CHOICES or a day. Raises InvalidDay or CustomerMissing.
    """
    locked = locking.lock_customer(customer)
    zone = locked.organization.zone
    today = days.today(zone)
    day = to if isinstance(to, date) else day_of(to, today)
    if not today <= day <= today + FURTHEST:
        raise InvalidDay("Choose today or a day within the next three years.")
    due = locked.next_follow_up_at
    clock = due.astimezone(zone).time() if due is not None else days.MORNING
    moment = days.at(day, clock, zone)
    if moment <= timezone.now():
        # Today, and the hour is over: it is due at once.
        moment = timezone.now()
    customers.set_follow_up(customer=customer, at=moment, actor=actor)


def complete(*, customer: Customer, actor: Actor) -> None:
    """Complete the follow-up: there is none until one is set or an action is logged. Raises CustomerMissing."""
    customers.set_follow_up(customer=customer, at=None, actor=actor)
