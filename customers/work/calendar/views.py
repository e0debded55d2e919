"""A month of tasks and follow-ups."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from accounts.permissions import Reach
from core.http import Request
from customers import days
from customers.models import Customer, Task
from customers.people.owners import possible_owners
from customers.work.follow_ups import queries as follow_up_queries
from customers.work.tasks import queries as task_queries

MAX_COUNT = 1000
MAX_PER_DAY = 4
EARLIEST, LATEST = 2000, 2200


@dataclass(frozen=True, slots=True)
class Item:
    """Something on a day. `kind`: task or follow_up; `state`: late, done or nothing."""

    kind: str
    at: datetime
    title: str
    url: str
    state: str = ""


@dataclass(slots=True)
class Day:
    day: date
    is_today: bool
    is_outside: bool
    items: list[Item] = field(default_factory=list)

    @property
    def first_items(self) -> list[Item]:
        return self.items[:MAX_PER_DAY] if len(self.items) > MAX_PER_DAY + 1 else self.items

    @property
    def more(self) -> list[Item]:
        return self.items[MAX_PER_DAY:] if len(self.items) > MAX_PER_DAY + 1 else []


@requires("tasks.view")
@require_safe
def month(request: Request, organization: str) -> HttpResponse:
    """The month in the address, or the one that it is in the organization's zone."""
    zone = request.organization.zone
    today = days.today(zone)
    first = _month(request.GET.get("month", ""), today)
    owner = task_queries.read_owner(request.member, request.GET.get("who", ""))
    weeks = calendar.Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    grid = {day: Day(day, day == today, day.month != first.month) for week in weeks for day in week}
    items, is_cut = _items(request, days.start_of(weeks[0][0], zone), days.bounds(weeks[-1][-1], zone)[1], owner)
    for item in sorted(items, key=lambda one: one.at):
        grid[item.at.astimezone(zone).date()].items.append(item)
    people = [(str(user.pk), user.get_full_name()) for user in possible_owners() if user.pk != request.member.user_id]
    owner_choices = [(task_queries.MINE, "Mine"), (task_queries.EVERYBODY, "Everybody’s"), *people]
    if request.member.reach == Reach.ASSIGNED:
        owner_choices = owner_choices[:1]
    context = {
        "month": first,
        "days": list(grid.values()),
        "names": [f"{day:%a}" for day in weeks[0]],
        "before": _address(first - timedelta(days=1), owner),
        "after": _address((first + timedelta(days=31)).replace(day=1), owner),
        "now": _address(today, owner),
        "is_now": (first.year, first.month) == (today.year, today.month),
        "owner": owner,
        "owner_choices": owner_choices,
        "refusal": task_queries.refusal_of(owner),
        "is_cut": is_cut,
        "can_create": request.member.may("tasks.create"),
    }
    return render(request, "customers/work/calendar/calendar.html", context)


def _items(request: Request, start: datetime, end: datetime, owner: str) -> tuple[list[Item], bool]:
    member, slug, now = request.member, request.organization.slug, timezone.now()
    tasks = task_queries.between(member, start, end, owner, most=MAX_COUNT)
    may_edit = member.may("tasks.edit")
    plain = reverse("customers:tasks", args=[slug])
    results = []
    for task in tasks:
        customer, at = task_queries.seen_customer(task), task.due_at
        if at is not None:
            title = f"{task.title} · {customer.name}" if customer is not None else task.title
            url = reverse("customers:edit_task", args=[slug, task.pk]) if may_edit else plain
            results.append(Item("task", at, title, url, _state(task, now)))
    people: list[Customer] = []
    if member.may("customers.view"):
        people = follow_up_queries.between(member, start, end, owner, most=MAX_COUNT)
    for person in people:
        url, due = reverse("customers:detail", args=[slug, person.pk]), person.next_follow_up_at
        if due is not None:
            results.append(Item("follow_up", due, person.name, url, "late" if due < now else ""))
    return results, len(tasks) == MAX_COUNT or len(people) == MAX_COUNT


def _state(task: Task, now: datetime) -> str:
    if not task.is_open:
        return "done"
    return "late" if task.due_at is not None and task.due_at < now else ""


def _month(text: str, today: date) -> date:
    try:
        year, number = (int(part) for part in text.split("-"))
        if EARLIEST <= year <= LATEST:
            return date(year, number, 1)
    except ValueError:
        pass
    return today.replace(day=1)


def _address(day: date, owner: str) -> str:
    return f"?month={day:%Y-%m}" + (f"&who={owner}" if owner != task_queries.MINE else "")
