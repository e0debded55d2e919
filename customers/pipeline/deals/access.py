"""A deal within the member's reach, for pages."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from core.http import Request
from customers.models import Deal


def find_deal(request: Request, pk: UUID) -> Deal:
    """The deal, if its customer is within the member's reach. Raises Http404, whoever's it is."""
    rows = Deal.objects.visible_to(request.member).select_related(
        "customer__organization", "customer__stage", "stage", "owner"
    )
    row: Deal | None = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such deal, or it is not yours to see.")
    return row
