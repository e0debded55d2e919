"""Tasks: made, changed, done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Customer, Task
from customers.services import customers, presence
from customers.services.fields import set_fields

SETTABLE = frozenset(
    {"title", "description", "due_at", "priority", "status", "assigned_to", "customer", "completed_at"}
)


@transaction.atomic
def create(
    *, organization: Organization, actor: Actor, title: str, customer: Customer | None = None, **fields: Any
) -> Task:
    """A new task. Raises UnknownOwner for an assignee who is no active member, and CustomerGone."""
    if customer is not None:
        presence.hold(customer)
    task = Task(organization=organization, customer=customer, created_by_id=actor.user_id)
    set_fields(task, _checked(task, {"title": title, **fields}), settable=SETTABLE)
    if customer is not None:
        customers.touch(customer=customer, at=task.created_at)
    _record(events.TASK_CREATED, task, actor, {"title": task.title, "due_at": task.due_at})
    return task


@transaction.atomic
def update(*, task: Task, actor: Actor, changes: Mapping[str, Any]) -> Task:
    """Set fields; `done` completes it. Raises UnknownOwner or CustomerGone."""
    if task.customer is not None:
        presence.hold(task.customer)
    # A task may have no customer: the join is an outer one, and locks the task alone.
    rows = Task.objects.select_for_update(of=("self",)).select_related("customer", "assigned_to", "organization")
    current = rows.get(pk=task.pk)
    was = current.status
    changed = set_fields(current, _checked(current, changes), settable=SETTABLE)
    if changed:
        changed.pop("completed_at", None)
        _record(events.TASK_UPDATED, current, actor, {"title": current.title, "changes": changed})
    if current.status == Task.Status.DONE != was:
        if current.customer is not None:
            customers.touch(customer=current.customer, at=current.updated_at)
        _record(events.TASK_COMPLETED, current, actor, {"title": current.title})
    return current


@transaction.atomic
def delete(*, task: Task, actor: Actor) -> None:
    _record(events.TASK_DELETED, task, actor, {"title": task.title})
    task.delete()


def _checked(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    if checked.get("assigned_to") is not None:
        customers.require_member(organization=task.organization, user=checked["assigned_to"])
    if "status" in checked and checked["status"] != task.status:
        checked["completed_at"] = timezone.now() if checked["status"] == Task.Status.DONE else None
    return checked


def _record(event: str, task: Task, actor: Actor, payload: dict[str, Any]) -> None:
    record(event, subject=task, customer_id=task.customer_id, actor=actor, payload=payload)
