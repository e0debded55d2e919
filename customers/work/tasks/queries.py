"""The lists of tasks: today, overdue, to come, without a day, made by oneself, done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Member
from accounts.permissions import Reach
from core.counting import capped_counts
from core.ids import parse_uuid
from customers import days
from customers.models import Customer, Task
from customers.models.querysets import TaskQuerySet, within_reach

COUNTED_TO = 100
MINE, EVERYBODY, NOBODY = "me", "all", "none"
# Whom an address names though nobody has this id: their lists are empty.
UNKNOWN = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class View:
    """A list: its rows from the open or done ones, and the fields that order it, of which none is null in it."""

    label: str
    rows: Callable[[TaskQuerySet, Member], TaskQuerySet]
    order: tuple[str, str] = ("due_at", "id")
    empty: str = "Nothing here."


def _end_of_today(member: Member) -> datetime:
    zone = member.organization.zone
    return days.bounds(days.today(zone), zone)[1]


VIEWS: Mapping[str, View] = {
    "today": View(
        "Today",
        lambda rows, member: rows.open().filter(due_at__lt=_end_of_today(member)),
        empty="Nothing is due today. What is due later is under Upcoming.",
    ),
    "overdue": View(
        "Overdue",
        lambda rows, member: rows.overdue(timezone.now()),
        empty="Nothing is overdue.",
    ),
    "upcoming": View(
        "Upcoming",
        lambda rows, member: rows.open().filter(due_at__gte=_end_of_today(member)),
        empty="Nothing is planned for the days to come.",
    ),
    "someday": View(
        "No date",
        lambda rows, member: rows.open().filter(due_at__isnull=True),
        order=("-created_at", "-id"),
        empty="Every open task has a day.",
    ),
    "by_me": View(
        "By me",
        lambda rows, member: rows.open().filter(created_by=member.user_id),
        order=("-created_at", "-id"),
        empty="You made no task that is still open.",
    ),
    "done": View(
        "Done",
        lambda rows, member: rows.filter(status=Task.Status.DONE, completed_at__isnull=False),
        order=("-completed_at", "-id"),
        empty="What is done is listed here.",
    ),
}
COUNTED = ("today", "overdue", "upcoming", "someday", "by_me")


def tasks_for(member: Member, view: str, owner: str = MINE) -> QuerySet[Task]:
    """A view's rows within the member's reach, of `who`: MINE, EVERYBODY, NOBODY or a user's id."""
    return VIEWS[view].rows(_of(member, view, owner), member)


def counts(member: Member, owner: str = MINE) -> dict[str, int]:
    """How many each view of open tasks has, COUNTED_TO at most; one query."""
    return capped_counts({view: tasks_for(member, view, owner) for view in COUNTED}, cap=COUNTED_TO)


def waiting_for(member: Member) -> QuerySet[Task]:
    """The member's open tasks that are due by the end of today, as the menu counts them."""
    return tasks_for(member, "today", MINE)


def with_row_relations(rows: QuerySet[Task], member: Member) -> QuerySet[Task]:
    """All that a row shows. `shows_customer`: one's own task may be with somebody whom one may not see."""
    seen = Case(
        When(Q(customer__isnull=False) & within_reach(member), then=Value(value=True)),
        default=Value(value=False),
        output_field=BooleanField(),
    )
    return rows.select_related("customer", "assigned_to").annotate(shows_customer=seen)


def seen_customer(task: Task) -> Customer | None:
    """The customer of a task that `with_row_relations` gave, unless one may not see them."""
    return task.customer if getattr(task, "shows_customer", False) else None


def between(member: Member, start: datetime, end: datetime, owner: str, *, most: int) -> list[Task]:
    """Open and done tasks due then, for a calendar."""
    rows = _of(member, "today", owner).exclude(status=Task.Status.CANCELLED).filter(due_at__gte=start, due_at__lt=end)
    return list(with_row_relations(rows, member).order_by("due_at", "id")[:most])


def read_owner(member: Member, requested: str) -> str:
    """The owner in an address: MINE where it names nobody, UNKNOWN where it names no member."""
    if requested in ("", MINE):
        return MINE
    if requested in (EVERYBODY, NOBODY) and member.reach != Reach.ASSIGNED:
        return requested
    if requested == EVERYBODY:
        # Within an assigned reach: one's own, and what others have to do for one's own customers.
        return requested
    owner = parse_uuid(requested)
    if owner is None:
        return UNKNOWN
    is_member = (
        owner == member.user_id or Member.objects.filter(organization=member.organization_id, user=owner).exists()
    )
    return str(owner) if is_member else UNKNOWN


def refusal_of(owner: str) -> str:
    """The text for an address that names nobody of the organization; empty otherwise."""
    if owner != UNKNOWN:
        return ""
    return _("This address asks for a list or a person that is not here, so nothing is shown. Choose another one.")


@dataclass(frozen=True, slots=True)
class Group:
    """The tasks of a day under its heading; `key` tells a following page whether it begins with the same day."""

    key: str
    label: str
    tasks: list[Task]
    is_late: bool = False


def grouped(view: str, rows: list[Task], member: Member) -> list[Group]:
    """By the day that they are due (or were done) in the organization's zone; what is overdue stands together."""
    zone = member.organization.zone
    today, now = days.today(zone), timezone.now()
    groups: list[Group] = []
    for task in rows:
        moment = task.completed_at if view == "done" else task.due_at
        key, label, is_late = _heading(moment, today, now, zone, is_done=view == "done")
        if not groups or groups[-1].key != key:
            groups.append(Group(key, label, [], is_late))
        groups[-1].tasks.append(task)
    if view == "by_me":
        # In the order in which they were made; the day is on the row.
        return [Group("all", "", rows)] if rows else []
    return groups


def _heading(
    moment: datetime | None, today: date, now: datetime, zone: tzinfo, *, is_done: bool
) -> tuple[str, str, bool]:
    if moment is None:
        return "none", "No date", False
    if not is_done and moment < now:
        return "overdue", "Overdue", True
    day = moment.astimezone(zone).date()
    return day.isoformat(), days.heading(day, today), False


def _of(member: Member, view: str, owner: str) -> TaskQuerySet:
    rows = Task.objects.visible_to(member)
    if owner == UNKNOWN:
        return rows.none()
    if view == "by_me" or owner == EVERYBODY:
        return rows
    if owner == NOBODY:
        return rows.filter(assigned_to__isnull=True)
    return rows.filter(assigned_to__pk=member.user_id if owner == MINE else owner)
