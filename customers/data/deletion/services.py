"""Deleting is hiding for 30 days, with a way back; then the person is erased (`retention`)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.data.deletion import blockers
from customers.models import Customer, Deal
from customers.pipeline.deals import services as deals

RESTORE_DAYS = 30
DELETED = "The customer was deleted"
MAX_NAMED = 3


class Blocked(Refused):
    """The customer has open records; `reasons` lists them in words."""

    status, code = 409, "held"

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(f"Not deleted: {'; '.join(reasons)}.")


class NotRestorable(Refused):
    """The customer was merged into another, erased, or is gone for longer than 30 days; the text says which."""

    status, code = 409, "not_restorable"


@transaction.atomic
def delete(*, customer: Customer, actor: Actor, force: bool = False) -> Customer:
    """Hide a customer with all records of theirs; nothing changes where they are hidden already.

    Raises Blocked for open deals, queued messages and what else apps register; with `force` those are cancelled: deals
    are lost, messages don't go out. Restoring does not bring them back into motion.
    """
    current = _locked(customer)
    if current.is_deleted:
        return current
    reasons = blockers.reasons_against(current)
    if reasons and not force:
        raise Blocked(reasons)
    if reasons:
        blockers.release(current, actor)
    _write(current, deleted=True)
    payload = {"code": current.code, "cancelled": reasons}
    record(events.CUSTOMER_DELETED, subject=current, actor=actor, payload=payload)
    customer.deleted_at, customer.updated_at = current.deleted_at, current.updated_at
    return current


@transaction.atomic
def restore(*, customer: Customer, actor: Actor, reason: str = "") -> Customer:
    """Restore a deleted customer with all records of theirs; nothing changes where they are not deleted.

    Raises NotRestorable.
    """
    current = _locked(customer)
    if current.erased_at is not None:
        raise NotRestorable("The customer was erased.")
    if current.merged_into_id is not None:
        raise NotRestorable("The customer was merged into another. Undo the merge to have both again.")
    if current.deleted_at is None:
        return current
    if current.deleted_at < timezone.now() - timedelta(days=RESTORE_DAYS):
        raise NotRestorable(f"The customer was deleted more than {RESTORE_DAYS} days ago.")
    _write(current, deleted=False)
    payload = {"code": current.code, "reason": reason}
    record(events.CUSTOMER_RESTORED, subject=current, actor=actor, payload=payload)
    customer.deleted_at, customer.updated_at = None, current.updated_at
    return current


def wake(*, customer: Customer, actor: Actor) -> None:
    """Restore a deleted customer who wrote to us.

    Call it with the row as it is under the lock.
    """
    if customer.deleted_at is not None and customer.merged_into_id is None:
        _write(customer, deleted=False)
        payload = {"code": customer.code, "reason": "the customer wrote"}
        record(events.CUSTOMER_RESTORED, subject=customer, actor=actor, payload=payload)


def open_deals(customer: Customer) -> list[str]:
    """The blocker for open deals: their number and names."""
    rows = Deal.objects.filter(customer=customer, status=Deal.Status.OPEN)
    count = rows.count()
    if not count:
        return []
    names = ", ".join(f"“{deal.title}”" for deal in rows.order_by("-created_at")[:MAX_NAMED])
    more = f" and {count - MAX_NAMED} more" if count > MAX_NAMED else ""
    return [f"{count} open deal{'s' if count > 1 else ''} ({names}{more})"]


def lose_deals(customer: Customer, actor: Actor) -> None:
    """Close the open deals of a forced deletion as lost, with the reason."""
    for deal in Deal.objects.filter(customer=customer, status=Deal.Status.OPEN):
        changes = {"status": Deal.Status.LOST, "lost_reason": DELETED}
        deals.update(deal=deal, actor=actor, changes=changes, moves_customer=False)


def _locked(customer: Customer) -> Customer:
    rows = Customer.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    return rows.get(pk=customer.pk)


def _write(customer: Customer, *, deleted: bool) -> None:
    now = timezone.now()
    customer.deleted_at, customer.updated_at = now if deleted else None, now
    Customer.objects.filter(pk=customer.pk).update(deleted_at=customer.deleted_at, updated_at=now)
