"""Locking a customer before a write, so that nobody deletes, merges or erases them meanwhile."""

from __future__ import annotations

from django.http import Http404

from customers.models import Customer


class CustomerMissing(Http404):
    """Deleted, merged or erased meanwhile. Pages and the API answer it by itself, as they do a moment later: 404."""

    def __init__(self) -> None:
        super().__init__("This customer was deleted, merged or erased meanwhile.")


def lock_customer(customer: Customer) -> Customer:
    """The row as it is now; until the transaction ends nobody deletes, merges, erases or changes it.

    Call it before any record of theirs is locked: a merge takes customers first as well. Raises CustomerMissing.
    """
    # The stage is not joined: PostgreSQL, having waited for a move, would look for the customer beside the stage that
    # they just left, and find nobody. The organization is for good.
    rows = Customer.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    current = rows.filter(pk=customer.pk, deleted_at__isnull=True, erased_at__isnull=True).first()
    if current is None:
        raise CustomerMissing
    return current
