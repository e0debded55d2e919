"""A customer to be deleted or exported, by its id, for pages."""

from __future__ import annotations

from uuid import UUID

from core.http import Request
from core.lookups import first_or_404
from customers.models import Customer


def find_customer(request: Request, pk: UUID) -> Customer:
    """The customer within reach, also a deleted one, but not a merged one. Raises Http404."""
    rows = Customer.objects.within_reach_of(request.member).select_related("organization", "stage")
    rows = rows.filter(pk=pk, merged_into__isnull=True)
    return first_or_404(rows, "There is no such customer, or it is not yours to see.")
