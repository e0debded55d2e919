"""A deal within the member's reach, for pages."""

from __future__ import annotations

from uuid import UUID

from core.http import Request
from core.lookups import first_or_404
from customers.models import Deal


def find_deal(request: Request, pk: UUID) -> Deal:
    """The deal, if its customer is within the member's reach. Raises Http404, whoever's it is."""
    rows = Deal.objects.visible_to(request.member).select_related(
        "customer__organization", "customer__stage", "stage", "owner"
    )
    return first_or_404(rows.filter(pk=pk), "There is no such deal, or it is not yours to see.")
