"""The home page's sections of the customers app: follow-ups, tasks, overdue leads, and unassigned leads."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.frame import home
from accounts.frame.home import Row, Scope, Section, Urgency
from accounts.models import Member, User
from accounts.permissions import Reach
from core.optional import not_none
from core.templatetags.ui import since
from customers.models import Customer, Stage, Task
from customers.people.overdue import overdue
from customers.work.follow_ups import queries as follow_up_queries
from customers.work.tasks import queries as task_queries


def register() -> None:
    home.register_owning(lambda member: bool(Customer.objects.visible_to(member).owned_by(member.user_id).exists()))
    for section in (
        Section(
            "follow_ups", "Follow-ups", "alarm-clock", "customers.view", 20, follow_ups, show_follow_up,
            lambda member, scope: _address(member, "customers:follow_ups", "?who=all" if scope == Scope.ALL else ""),
            "Nobody is due for follow-up.",
        ),
        Section(
            "tasks", "Tasks", "square-check", "tasks.view", 30, tasks, show_task,
            lambda member, scope: _address(member, "customers:tasks", "?who=all" if scope == Scope.ALL else ""),
            "No task is due today.",
        ),
        Section(
            "overdue", "Overdue customers", "hourglass", "customers.view", 40, late, show_overdue,
            lambda member, scope: _address(
                member, "customers:list",
                "?overdue=true&ordering=last_activity_at" + ("&assigned_to=me" if scope == Scope.MINE else ""),
            ),
            "Everybody heard from you in time.",
        ),
        Section(
            "unassigned", "Without an owner", "user-round-x", "customers.view", 50, unassigned, show_unassigned,
            lambda member, scope: _address(member, "customers:list", "?assigned_to=none"),
            "Every customer has an owner.",
        ),
    ):  # fmt: skip
        home.register(section)


def follow_ups(member: Member, scope: Scope) -> QuerySet[Customer]:
    """Due by tonight, what is due longest first."""
    rows = follow_up_queries.due_by_tonight(member, _scope_owner(scope)).select_related("stage", "assigned_to")
    return rows.order_by("next_follow_up_at", "id")


def tasks(member: Member, scope: Scope) -> QuerySet[Task]:
    """Due by tonight."""
    rows = task_queries.tasks_for(member, "today", _scope_owner(scope))
    return task_queries.with_row_relations(rows, member).order_by("due_at", "id")


def late(member: Member, scope: Scope) -> QuerySet[Customer]:
    """Customers without activity for longer than their stage allows; the longest first."""
    rows = Customer.objects.visible_to(member).filter(overdue())
    if scope == Scope.MINE:
        rows = rows.owned_by(member.user_id)
    return rows.select_related("stage", "assigned_to").order_by("last_activity_at", "id")


def unassigned(member: Member, scope: Scope) -> QuerySet[Customer] | None:
    """Open leads that nobody owns, the newest first; for who sees them."""
    if member.reach == Reach.ASSIGNED or scope == Scope.MINE:
        return None
    rows = Customer.objects.visible_to(member).without_owner().filter(stage__kind=Stage.Kind.OPEN)
    return rows.select_related("stage").order_by("-created_at", "-id")


def show_follow_up(member: Member, customer: Customer) -> Row:
    at = not_none(customer.next_follow_up_at)
    is_late = at < timezone.now()
    return _of_customer(
        member, customer, at, Urgency.LATE if is_late else Urgency.TODAY, detail=f"Follow up · {customer.stage.name}",
        mark=f"overdue {since(at)}" if is_late else f"{timezone.localtime(at):%H:%M}",
    )  # fmt: skip


def show_task(member: Member, task: Task) -> Row:
    at = not_none(task.due_at)
    is_late = at < timezone.now()
    urgency = Urgency.LATE if is_late else Urgency.TODAY
    if is_late and task.priority in (Task.Priority.LOW, Task.Priority.NORMAL):
        # What is neither high nor urgent may wait for those whom a follow-up was promised.
        urgency = Urgency.TODAY
    customer = task_queries.seen_customer(task)
    name = customer.name if customer is not None else ""
    page = "customers:edit_task" if member.may("tasks.edit") else "customers:tasks"
    keys = [task.pk] if page == "customers:edit_task" else []
    return Row(
        title=task.title,
        url=reverse(page, args=[member.organization.slug, *keys]),
        detail=" · ".join(part for part in ("Task", name, _owner(member, task.assigned_to)) if part),
        at=at,
        urgency=urgency,
        about=f"task {task.pk}",
        mark=f"overdue {since(at)}" if is_late else f"{timezone.localtime(at):%H:%M}",
    )


def show_overdue(member: Member, customer: Customer) -> Row:
    at = not_none(customer.overdue_at)
    return _of_customer(
        member, customer, at, Urgency.OPEN, detail=f"Nothing said or done · {customer.stage.name}",
        mark=f"overdue {since(at)}",
    )  # fmt: skip


def show_unassigned(member: Member, customer: Customer) -> Row:
    return _of_customer(
        member, customer, customer.created_at, Urgency.OPEN, detail=f"Nobody’s yet · {customer.stage.name}",
        mark=f"new {since(customer.created_at)}",
    )  # fmt: skip


def _of_customer(member: Member, customer: Customer, at: datetime, urgency: Urgency, *, detail: str, mark: str) -> Row:
    parts = (detail, _owner(member, customer.assigned_to) if customer.assigned_to_id else "")
    return Row(
        title=customer.name,
        url=reverse("customers:detail", args=[member.organization.slug, customer.pk]),
        detail=" · ".join(part for part in parts if part),
        at=at,
        urgency=urgency,
        about=str(customer.pk),
        person=customer.name,
        key=str(customer.pk),
        mark=mark,
    )


def _owner(member: Member, user: User | None) -> str:
    return user.get_short_name() if user is not None and user.pk != member.user_id else ""


def _scope_owner(scope: Scope) -> str:
    return task_queries.MINE if scope == Scope.MINE else task_queries.EVERYBODY


def _address(member: Member, name: str, query: str) -> str:
    return reverse(name, args=[member.organization.slug]) + query
