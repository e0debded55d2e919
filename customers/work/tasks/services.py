"""Creating, changing, completing and deleting tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.moments import is_showable
from core.refused import Invalid
from customers import days, events
from customers.models import Customer, Task
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.customers import services as customers
from customers.work.tasks import reminders

SETTABLE = frozenset(
    {"title", "description", "due_at", "priority", "status", "assigned_to", "customer", "completed_at", "remind_at",
     "repeat_unit", "repeat_every", "repeat_until", "repeat_day"}
)  # fmt: skip
MAX_REPEAT = 365


class InvalidTask(Invalid):
    """A value that a task can’t have."""


@transaction.atomic
def create(
    *,
    organization: Organization,
    actor: Actor,
    title: str,
    customer: Customer | None = None,
    origin: str = "",
    **fields: object,
) -> Task:
    """A new task. Raises InvalidTask, UnknownOwner for an assignee who is no active member, and CustomerMissing."""
    if customer is not None:
        locking.lock_customer(customer)
    task = Task(organization=organization, customer=customer, created_by_id=actor.user_id, origin=origin)
    set_fields(task, _checked(task, {"title": title, **fields}), settable=SETTABLE)
    if customer is not None:
        customers.touch(customer=customer, at=task.created_at)
    reminders.keep_in_step(task)
    record(events.TASK_CREATED, subject=task, actor=actor, payload={"title": task.title, "due_at": task.due_at})
    return task


@transaction.atomic
def update(*, task: Task, actor: Actor, changes: Mapping[str, object]) -> Task:
    """Set fields; `done` completes it, and of a recurring one makes the next, once. Raises InvalidTask, UnknownOwner or
    CustomerMissing."""
    # Of two customers, where it goes from one to another, the one with the smaller id is locked first.
    becomes = cast("Customer | None", changes.get("customer"))
    concerned = {one.pk: one for one in (task.customer, becomes) if one is not None}
    for _, customer in sorted(concerned.items()):
        locking.lock_customer(customer)
    # A task may have no customer: the join is an outer one, and locks the task alone.
    rows = Task.objects.select_for_update(of=("self",)).select_related("customer", "assigned_to", "organization")
    current = rows.get(pk=task.pk)
    was = current.status
    changed = set_fields(current, _checked(current, changes), settable=SETTABLE)
    if changed:
        changed.pop("completed_at", None)
        changed.pop("repeat_day", None)
        record(events.TASK_UPDATED, subject=current, actor=actor, payload={"title": current.title, "changes": changed})
        reminders.keep_in_step(current)
    if current.status == Task.Status.DONE != was:
        if current.customer is not None:
            customers.touch(customer=current.customer, at=current.updated_at)
        record(events.TASK_COMPLETED, subject=current, actor=actor, payload={"title": current.title})
        _make_next(current, actor)
    return current


@transaction.atomic
def delete(*, task: Task, actor: Actor) -> None:
    """Take a task away, with its reminder; nothing happens where somebody else just did."""
    if Task.objects.select_for_update(of=("self",)).filter(pk=task.pk).first() is None:
        return
    record(events.TASK_DELETED, subject=task, actor=actor, payload={"title": task.title})
    task.delete()


def _checked(task: Task, changes: Mapping[str, Any]) -> dict[str, object]:
    checked = dict(changes)
    if checked.get("assigned_to") is not None:
        customers.require_member(organization=task.organization, user=checked["assigned_to"])
    if "repeat_every" in checked and not 1 <= checked["repeat_every"] <= MAX_REPEAT:
        raise InvalidTask("repeat_every", f"1 to {MAX_REPEAT}.")
    if checked.get("repeat_unit", task.repeat_unit) and checked.get("due_at", task.due_at) is None:
        raise InvalidTask("due_at", "A recurring task needs a due time: it is repeated from there.")
    if "due_at" in checked and checked["due_at"] != task.due_at:
        checked["repeat_day"] = None
    if "status" in checked and checked["status"] != task.status:
        checked["completed_at"] = timezone.now() if checked["status"] == Task.Status.DONE else None
    return checked


def _make_next(done: Task, actor: Actor) -> None:
    """The next of a recurring task: the first time in its rhythm that is still to come. Called with the task locked.

    One that was opened again and done again has its next already.
    """
    if not done.is_recurring or done.due_at is None:
        return
    zone = done.organization.zone
    try:
        due_at = days.next_due(
            done.due_at, unit=done.repeat_unit, every=done.repeat_every, zone=zone, after=timezone.now(),
            day_of_month=done.repeat_day,
        )  # fmt: skip
    except OverflowError:
        # The calendar ends before it comes again.
        return
    if not is_showable(due_at):
        return
    if done.repeat_until is not None and due_at.astimezone(zone).date() > done.repeat_until:
        return
    series = done.series or done.pk
    if Task.objects.filter(series=series, occurrence=done.occurrence + 1).exists():
        return
    if done.series is None:
        done.series = series
        done.save(update_fields=["series"])
    following = Task(
        organization=done.organization, customer=done.customer, created_by_id=done.created_by_id, title=done.title,
        description=done.description, due_at=due_at, priority=done.priority, assigned_to=done.assigned_to,
        repeat_unit=done.repeat_unit, repeat_every=done.repeat_every, repeat_until=done.repeat_until, series=series,
        occurrence=done.occurrence + 1, repeat_day=done.repeat_day or done.due_at.astimezone(zone).day,
        # As long before it as before this one.
        remind_at=due_at - (done.due_at - done.remind_at) if done.remind_at is not None else None,
    )  # fmt: skip
    following.save(force_insert=True)
    reminders.keep_in_step(following)
    payload: dict[str, object] = {"title": following.title, "due_at": following.due_at, "series": str(series)}
    record(events.TASK_CREATED, subject=following, actor=actor, payload=payload)
