"""`DELETE /customers/{id}` and its way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.conditional import is_conditional
from core.api.parameters import ListParameters, read_parameters
from customers.data.deletion import services as deletion
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet
from customers.people.customers.serializers import CustomerSerializer


class DeleteParameters(ListParameters):
    force = serializers.BooleanField(
        required=False, default=False, help_text="Cancel what holds: open deals are lost, queued messages don’t go out."
    )


class DeleteMixin:
    """`delete()` of the view of one customer, which is an OrganizationView with the ConditionalMixin."""

    @extend_schema(
        tags=["customers"],
        parameters=[DeleteParameters],
        responses={204: None, 409: OpenApiResponse(description="Open deals or queued messages, which are named.")},
    )
    def delete(self: Any, request: Request, pk: UUID) -> Response:
        """Hide the customer; restorable for 30 days."""
        force = read_parameters(request, DeleteParameters)["force"]
        rows = Customer.objects.visible_to(self.member)
        with transaction.atomic():
            customer = _locked(rows, pk)
            if is_conditional(request):
                self.require_match(request, CustomerSerializer(customer).data)
            deletion.delete(customer=customer, actor=current_actor(), force=force)
        return Response(status=204)


class RestoreView(OrganizationView):
    permissions_by_method = {"POST": "customers.delete"}

    @extend_schema(
        tags=["customers"],
        request=None,
        responses={
            200: CustomerSerializer,
            409: OpenApiResponse(description="Merged, erased, or deleted more than 30 days ago."),
        },
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Show a deleted customer again, with everything of theirs."""
        read_parameters(request, ListParameters)
        with transaction.atomic():
            customer = _locked(Customer.objects.within_reach_of(self.member), pk)
            deletion.restore(customer=customer, actor=current_actor())
        return Response(CustomerSerializer(customer).data)


def _locked(rows: CustomerQuerySet, pk: UUID) -> Customer:
    """The customer, kept until the transaction ends. Raises Http404, whoever's it is."""
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("organization", "stage", "assigned_to")
    row: Customer | None = locked.filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such customer.")
    return row
