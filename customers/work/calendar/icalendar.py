"""A member's tasks and follow-ups as an iCalendar document (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar, Event

from accounts.models import Member
from core.optional import not_none
from customers.models import Customer, Task
from customers.work.tasks import queries as task_queries

LENGTH = timedelta(minutes=30)
BEFORE, AFTER = timedelta(days=60), timedelta(days=400)
MAX_COUNT = 1000


def of_member(member: Member) -> bytes:
    """Their open tasks with a due time, and the follow-ups of customers that are theirs, within reach.

    The same as long as nothing of it changes, to the byte.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Parley//Tasks//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", f"{member.organization.name}: tasks")
    calendar.add("x-wr-timezone", member.organization.timezone)
    calendar.add("x-published-ttl", "PT15M")
    now = timezone.now()
    for task in _tasks(member, now):
        calendar.add_component(_of_task(task, member))
    if member.may("customers.view"):
        for customer in _follow_ups(member, now):
            calendar.add_component(_of_follow_up(customer, member))
    return bytes(calendar.to_ical())


def _tasks(member: Member, now: datetime) -> QuerySet[Task]:
    rows = Task.objects.visible_to(member).open().filter(assigned_to=member.user_id)
    rows = rows.filter(due_at__gte=now - BEFORE, due_at__lt=now + AFTER)
    return task_queries.with_row_relations(rows, member).order_by("due_at", "id")[:MAX_COUNT]


def _follow_ups(member: Member, now: datetime) -> QuerySet[Customer]:
    rows = Customer.objects.visible_to(member).owned_by(member.user_id)
    rows = rows.filter(next_follow_up_at__gte=now - BEFORE, next_follow_up_at__lt=now + AFTER)
    return rows.order_by("next_follow_up_at", "id")[:MAX_COUNT]


def _of_task(task: Task, member: Member) -> Event:
    lines = [task.description]
    customer = task_queries.seen_customer(task)
    if customer is not None:
        lines.insert(0, f"With {customer.name}")
    url = _address("customers:edit_task", member, task.pk)
    event = _event(f"task-{task.pk}", task.title, not_none(task.due_at), task.updated_at, url, lines)
    if task.priority in (Task.Priority.HIGH, Task.Priority.URGENT):
        event.add("priority", 1 if task.priority == Task.Priority.URGENT else 3)
    return event


def _of_follow_up(customer: Customer, member: Member) -> Event:
    url = _address("customers:detail", member, customer.pk)
    at = not_none(customer.next_follow_up_at)
    lines = [customer.company, customer.phone]
    return _event(f"follow-up-{customer.pk}", f"Follow up: {customer.name}", at, customer.updated_at, url, lines)


def _event(uid: str, title: str, at: datetime, changed_at: datetime, url: str, lines: list[str]) -> Event:
    """Times are in UTC: the calendar shows them in its own zone, also after a change of clocks."""
    start = at.astimezone(UTC).replace(microsecond=0)
    event = Event()
    event.add("uid", f"{uid}@parley")
    event.add("dtstamp", changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("last-modified", changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", start)
    event.add("dtend", start + LENGTH)
    event.add("summary", title)
    event.add("description", "\n".join([*(line for line in lines if line), url]))
    event.add("url", url)
    event.add("transp", "TRANSPARENT")
    return event


def _address(name: str, member: Member, pk: object) -> str:
    return settings.PUBLIC_BASE_URL.rstrip("/") + reverse(name, args=[member.organization.slug, pk])
