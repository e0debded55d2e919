"""Retention: deleted customers are erased after 30 days, inactive ones after the organization's time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Organization
from activity.actor import SYSTEM, Actor, acting_as
from activity.ledger import record
from core.jobs import stopping
from core.refused import Refused
from core.tenancy import organization_scope
from customers import events
from customers.data.deletion import services as deletion
from customers.data.imports import services as imports
from customers.data.personal_data import erasure
from customers.data.personal_data import services as personal_data
from customers.models import Change, ChangeSet, Customer, Deal, Task
from customers.models.change_set import UNDO_DAYS
from customers.models.querysets import CustomerQuerySet

# How long an organization may keep people that nothing happens with.
MONTHS = (12, 24, 36, 60, 84)
BATCH = 100
STEP = 5000


class NotOffered(Refused):
    """The number of months is none of the choices."""

    field = "retention_months"

    def __init__(self) -> None:
        super().__init__(f"Choose never, or one of {', '.join(map(str, MONTHS))} months.")


@transaction.atomic
def set_months(*, organization: Organization, months: int | None, actor: Actor) -> bool:
    """Set the months after which the inactive are erased; None for never. False without a change. Raises NotOffered."""
    if months is not None and months not in MONTHS:
        raise NotOffered
    current = Organization.objects.select_for_update().get(pk=organization.pk)
    if current.retention_months == months:
        return False
    payload = {"from": current.retention_months, "to": months}
    record(events.RETENTION_CHANGED, subject=current, organization=current, actor=actor, payload=payload)
    Organization.objects.filter(pk=current.pk).update(retention_months=months)
    organization.retention_months = months
    return True


def inactive(months: int, *, now: datetime) -> CustomerQuerySet:
    """Customers without any activity for so many months, and without open deals, tasks or coming follow-ups."""
    return Customer.objects.filter(
        ~Exists(Deal.objects.filter(customer=OuterRef("pk"), status=Deal.Status.OPEN)),
        ~Exists(Task.objects.filter(customer=OuterRef("pk")).open()),
        Q(next_follow_up_at__isnull=True) | Q(next_follow_up_at__lt=now),
        deleted_at__isnull=True,
        erased_at__isnull=True,
        last_activity_at__lt=months_before(now, months),
    )


def long_deleted(*, now: datetime) -> CustomerQuerySet:
    """Deleted customers whose 30 days are over."""
    return Customer.objects.deleted().filter(deleted_at__lt=now - timedelta(days=deletion.RESTORE_DAYS))


def purge_expired() -> int:
    """Erase everybody who is due, in every organization; returns how many. Ends early when the process has to stop."""
    count = 0
    for organization in Organization.objects.filter(is_active=True).order_by("pk"):
        if stopping():
            break
        with organization_scope(organization), acting_as(SYSTEM):
            personal_data.purge_old_exports()
            imports.purge_old()
            purge_old_changes()
            count += _erase_all("deleted more than 30 days ago", long_deleted)
            months = organization.retention_months
            if months:
                why = f"nothing happened for {months} months"
                count += _erase_all(why, lambda *, now, months=months: inactive(months, now=now))
    return count


def purge_old_changes() -> int:
    """Delete changes that can't be reverted any more, since they have former names; returns how many."""
    before, count = timezone.now() - timedelta(days=UNDO_DAYS), 0
    old = Change.objects.filter(change_set__created_at__lt=before).values_list("pk", flat=True)
    while not stopping() and (keys := list(old[:STEP])):
        count += Change.objects.filter(pk__in=keys).delete()[0]
    # Of a merge the fields that were chosen from stand beside its rows.
    ChangeSet.objects.filter(created_at__lt=before).exclude(detail={}).update(detail={})
    return count


class Due(Protocol):
    """Returns the customers whose time is over."""

    def __call__(self, *, now: datetime) -> CustomerQuerySet: ...


def _erase_all(why: str, due: Due) -> int:
    """Erase in batches, each person in a transaction of its own, which checks again that they are due."""
    count = 0
    while keys := _some(due):
        before = count
        for key in keys:
            if stopping():
                return count
            count += _erase(key, why, due)
        if count == before:
            break  # all of them changed meanwhile
    return count


def _some(due: Due) -> Sequence[UUID]:
    return list(due(now=timezone.now()).order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _erase(key: UUID, why: str, due: Due) -> int:
    locked = Customer.objects.select_for_update(of=("self",)).filter(pk=key).first()
    if locked is None or not due(now=timezone.now()).filter(pk=key).exists():
        return 0
    erasure.erase(customer=locked, actor=SYSTEM, reason=why)
    return 1


def months_before(moment: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last of a shorter month."""
    count = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(count, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)
