"""A customer within the member's reach, for pages, and the context of fields that are edited in place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.http import Request
from core.lookups import first_or_404
from customers.models import Customer, Stage
from customers.people.owners import possible_owners


def find_visible(request: Request, pk: UUID) -> Customer:
    """The customer, if within the member's reach. Raises Http404, whoever's it is."""
    rows = Customer.objects.visible_to(request.member).select_related("organization", "stage", "assigned_to")
    return first_or_404(rows.filter(pk=pk), "There is no such customer, or it is not yours to see.")


def field_context(request: Request, customer: Customer) -> dict[str, Any]:
    """The context of the fields that are edited in place."""
    return {
        "customer": customer,
        "stages": Stage.objects.all(),
        "owners": possible_owners(),
        "can_edit_customer": request.member.may("customers.edit"),
    }
