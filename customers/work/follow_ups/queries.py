"""The lists of follow-ups, overdue first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from accounts.models import Member
from customers import days
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet
from customers.work.tasks.queries import EVERYBODY, MINE, NOBODY


@dataclass(frozen=True, slots=True)
class Group:
    """The customers of a day under its heading."""

    key: str
    label: str
    customers: list[Customer]
    is_late: bool = False


def planned(member: Member, owner: str = MINE) -> CustomerQuerySet:
    """Customers within reach with a follow-up, of `who`: MINE, EVERYBODY, NOBODY or a user's id."""
    rows = Customer.objects.visible_to(member).filter(next_follow_up_at__isnull=False)
    if owner == EVERYBODY:
        return rows
    if owner == NOBODY:
        return rows.without_owner()
    return rows.owned_by(member.user_id if owner == MINE else owner)


def due_by_tonight(member: Member, owner: str = MINE) -> CustomerQuerySet:
    """Those who are due today in the organization's zone, or were before."""
    zone = member.organization.zone
    return planned(member, owner).filter(next_follow_up_at__lt=days.bounds(days.today(zone), zone)[1])


def on_day(member: Member, day: date, owner: str = MINE) -> CustomerQuerySet:
    """Those due on a day of the organization's."""
    start, end = days.bounds(day, member.organization.zone)
    return planned(member, owner).filter(next_follow_up_at__gte=start, next_follow_up_at__lt=end)


def waiting_for(member: Member) -> QuerySet[Customer]:
    """Those that are the member's own to come back to by tonight, as the menu counts them."""
    return due_by_tonight(member, MINE)


def between(member: Member, start: datetime, end: datetime, owner: str, *, most: int) -> list[Customer]:
    """Those due then, for a calendar."""
    rows = planned(member, owner).filter(next_follow_up_at__gte=start, next_follow_up_at__lt=end)
    return list(rows.order_by("next_follow_up_at", "id")[:most])


def grouped(rows: list[Customer], member: Member) -> list[Group]:
    """By the day in the organization's zone; what was due before today stands together."""
    zone = member.organization.zone
    today = days.today(zone)
    groups: list[Group] = []
    for customer in rows:
        at = customer.next_follow_up_at
        if at is None:
            continue
        day = at.astimezone(zone).date()
        key = "overdue" if day < today else day.isoformat()
        if not groups or groups[-1].key != key:
            label = "Overdue" if day < today else days.heading(day, today)
            groups.append(Group(key, label, [], is_late=day < today))
        groups[-1].customers.append(customer)
    return groups
