"""Deadline events, each recorded once: a customer or a task became overdue, a follow-up is due.

The beat calls it often. Each event has a key of its own in the ledger, so that it is recorded once; a mark
of how far was looked keeps the question to a short range of an index, whatever there is of customers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.core.cache import cache
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from activity.actor import SYSTEM, acting_as
from activity.ledger import record
from activity.models import Event
from core.jobs import stopping
from core.tenancy import organization_scope
from customers import events
from customers.models import Customer, Stage, Task

logger = logging.getLogger(__name__)

STEP = 500
# Events of one call at most, so that the many of a new rule do not keep the others waiting.
MAX_STEPS = 20
# How far is looked back where it is not known how far was looked.
LOOK_BACK = timedelta(days=7)
CACHE_SECONDS = 3600
OVERLAP = timedelta(minutes=5)
# A stage's mark is not moved for less.
MARKED_EVERY = timedelta(minutes=10)


Record = TypeVar("Record", bound=Model)


def record_passed() -> int:
    """Record the deadline events that are due in every organization; returns how many."""
    return each_organization(lambda organization, now: _customers(organization, now) + _rest(organization, now))


def each_organization(work: Callable[[Organization, datetime], int]) -> int:
    """Call `work` for each organization; a failure in one does not keep it from the others."""
    count = 0
    for organization in Organization.objects.filter(is_active=True).order_by("pk"):
        if stopping():
            break
        try:
            with organization_scope(organization), acting_as(SYSTEM):
                count += work(organization, timezone.now())
        except Exception:
            logger.exception("crossings_failed", extra={"organization": organization.slug})
    return count


def record_range(
    rows: QuerySet[Record],
    field: str,
    event: str,
    payload: Callable[[Record], dict[str, object]],
    *,
    organization: Organization,
    now: datetime,
    back: timedelta = timedelta(),
) -> int:
    """Record an event for each row whose `field` is at most `now` less `back`, once for each value; returns how many.

    It begins where the last call ended, which the cache knows; without that, LOOK_BACK earlier.
    """
    # With the hour in its name: each hour all of LOOK_BACK is looked at once more, for what was put into the past.
    key = f"crossings:{organization.pk}:{event}:{now:%Y%m%d%H}"
    until = now - back
    since: datetime = cache.get(key, until - LOOK_BACK)
    ranged = rows.filter(**{f"{field}__gte": min(since, until) - OVERLAP, f"{field}__lte": until})
    count, last = _in_steps(ranged, field, event, payload, organization)
    cache.set(key, until if last is None else last, CACHE_SECONDS)
    return count


def _customers(organization: Organization, now: datetime) -> int:
    count = 0
    for stage in Stage.objects.filter(kind=Stage.Kind.OPEN, sla_hours__isnull=False):
        count += _of_stage(organization, stage, now)
    return count


def _of_stage(organization: Organization, stage: Stage, now: datetime) -> int:
    hours = timedelta(hours=stage.sla_hours or 0)
    rows = Customer.objects.filter(stage=stage, deleted_at__isnull=True, last_activity_at__lte=now - hours)
    if stage.overdue_told_until is not None:
        rows = rows.filter(last_activity_at__gte=stage.overdue_told_until - hours)

    def payload(customer: Customer) -> dict[str, object]:
        return {
            "stage": stage.key,
            "since": customer.last_activity_at,
            "assigned_to": str(customer.assigned_to_id) if customer.assigned_to_id else None,
        }

    fields = rows.only("last_activity_at", "assigned_to", "organization")
    count, last = _in_steps(fields, "last_activity_at", events.CUSTOMER_OVERDUE, payload, organization)
    mark = now if last is None else last + hours
    if count or stage.overdue_told_until is None or mark - stage.overdue_told_until > MARKED_EVERY:
        # Not where the hours were changed meanwhile: then all are checked again.
        Stage.objects.filter(pk=stage.pk, sla_hours=stage.sla_hours).update(overdue_told_until=mark)
    return count


def _rest(organization: Organization, now: datetime) -> int:
    there = Q(customer__isnull=True) | Q(customer__deleted_at__isnull=True)
    tasks = Task.objects.open().filter(there)
    count = record_range(tasks, "due_at", events.TASK_OVERDUE, _of_task, organization=organization, now=now)
    people = Customer.objects.present().only("next_follow_up_at", "assigned_to", "organization")
    return count + record_range(
        people, "next_follow_up_at", events.FOLLOW_UP_DUE, _of_follow_up, organization=organization, now=now
    )


def _of_task(task: Task) -> dict[str, object]:
    return {
        "title": task.title,
        "due_at": task.due_at,
        "assigned_to": str(task.assigned_to_id) if task.assigned_to_id else None,
    }


def _of_follow_up(customer: Customer) -> dict[str, object]:
    return {
        "at": customer.next_follow_up_at,
        "assigned_to": str(customer.assigned_to_id) if customer.assigned_to_id else None,
    }


def _in_steps(
    rows: QuerySet[Record],
    field: str,
    event: str,
    payload: Callable[[Record], dict[str, object]],
    organization: Organization,
) -> tuple[int, datetime | None]:
    """How many were recorded, and the value at which this stopped early; None where it came to the end."""
    count, after = 0, None
    ordered = rows.order_by(field, "pk")
    for _ in range(MAX_STEPS):
        result = ordered
        if after is not None:
            value, pk = after
            result = result.filter(**{f"{field}__gte": value}).filter(
                Q(**{f"{field}__gt": value}) | Q(**{field: value, "pk__gt": pk})
            )
        step = list(result[:STEP])
        count += _record(step, field, event, payload, organization)
        if len(step) < STEP:
            return count, None
        after = (getattr(step[-1], field), step[-1].pk)
        if stopping():
            break
    return count, after[0] if after is not None else None


@transaction.atomic
def _record(
    step: list[Record],
    field: str,
    event: str,
    payload: Callable[[Record], dict[str, object]],
    organization: Organization,
) -> int:
    keys = {f"{row.pk}:{getattr(row, field).isoformat()}": row for row in step}
    known = set(
        Event.objects.filter(type=event, source_key__in=list(keys)).values_list("source_key", flat=True) if keys else ()
    )
    fresh = [(key, row) for key, row in keys.items() if key not in known]
    for key, row in fresh:
        record(event, subject=row, organization=organization, source_key=key, payload=payload(row))
    return len(fresh)
