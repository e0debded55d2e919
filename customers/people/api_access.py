"""Shared by the API's customer endpoints: a customer within reach, the list's filters, and the words of a 404."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.access.api import OrganizationView
from core.api.parameters import PAGING
from core.api.strict import Body
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet
from customers.people.filters import parse as filters

# What changes on a customer's answer though nobody changed the customer: no part of its ETag.
MOVING = frozenset({"last_activity_at", "is_overdue", "open_value"})


def visible_customer(view: OrganizationView, pk: UUID, *, lock: bool = False, is_bare: bool = False) -> Customer:
    """The customer, if within the member's reach; 404 otherwise, whoever's it is.

    `lock` keeps the row until the transaction ends; `is_bare` leaves out what only the customer's own answer shows.
    """
    rows = Customer.objects.visible_to(view.member)
    rows = rows.select_related("organization", "stage") if is_bare else with_relations(rows)
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    row: Customer | None = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(_why_missing(view, pk))
    return row


def with_relations(rows: CustomerQuerySet) -> CustomerQuerySet:
    """All that a customer's answer shows, in a constant number of queries."""
    return rows.with_list_relations().select_related("organization").prefetch_related("consents", "identities")


def read_filters(request: Request, *more: str) -> Body:
    """The list's filters from the query; `more` are parameters of the call's own. Raises InvalidFilter."""
    parameters = request.query_params.copy()
    for name in [*PAGING, *more]:
        parameters.pop(name, None)
    return filters.read(parameters)


def _why_missing(view: OrganizationView, pk: UUID) -> str:
    """A merged customer's id leads to the one who stayed, for those who may see them."""
    rows = Customer.objects.filter(pk=pk, merged_into__isnull=False).values_list("merged_into_id", flat=True)
    into = rows.first()
    if into and Customer.objects.visible_to(view.member).filter(pk=into).exists():
        return f"This customer was merged into {into}."
    return "There is no such customer."
