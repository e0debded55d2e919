"""`/customers/{id}/identities`: the phones and e-mails of a customer."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.strict import Strict, valid
from customers.models import Identity
from customers.people.api_access import visible_customer
from customers.people.identities import addresses
from customers.people.identities import services as identities
from customers.people.identities.serializers import IdentitySerializer

TAKEN = OpenApiResponse(description="It belongs to another customer, who is named.")


class NewIdentitySerializer(Strict):
    kind = serializers.ChoiceField(choices=["phone", "email"])
    value = serializers.CharField(max_length=254, help_text="Given as people write it; phones are returned as E.164.")
    is_primary = serializers.BooleanField(required=False, default=False, help_text="Written to first.")


class IdentitiesView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "customers.edit"}

    @extend_schema(tags=["customers"], responses=IdentitySerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """Every phone and e-mail of the customer, the primary ones first."""
        return Response(IdentitySerializer(visible_customer(self, pk).identities.all(), many=True).data)

    @extend_schema(
        tags=["customers"],
        request=NewIdentitySerializer,
        responses={201: IdentitySerializer, 409: TAKEN},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Another phone or e-mail."""
        customer = visible_customer(self, pk)
        data = valid(NewIdentitySerializer(data=request.data))
        address = (
            identities.phone(data["value"], organization=customer.organization)
            if data["kind"] == Identity.Kind.PHONE
            else identities.email(data["value"])
        )
        identity = addresses.add(customer=customer, address=address, actor=current_actor())
        if data["is_primary"]:
            addresses.make_primary(identity=identity, actor=current_actor())
        return Response(IdentitySerializer(identity).data, status=201)


class IdentityView(OrganizationView):
    permissions_by_method = {"DELETE": "customers.edit"}

    @extend_schema(
        tags=["customers"],
        responses={204: OpenApiResponse(description="Taken away.")},
    )
    def delete(self, request: Request, pk: UUID, identity: UUID) -> Response:
        """Take a phone or e-mail away; the next one of its kind becomes the primary one."""
        addresses.remove(identity=_find(self, pk, identity), actor=current_actor())
        return Response(status=204)


class PrimaryView(OrganizationView):
    permissions_by_method = {"POST": "customers.edit"}

    @extend_schema(tags=["customers"], request=None, responses=IdentitySerializer)
    def post(self, request: Request, pk: UUID, identity: UUID) -> Response:
        """Have this one written to first."""
        result = _find(self, pk, identity)
        addresses.make_primary(identity=result, actor=current_actor())
        return Response(IdentitySerializer(result).data)


def _find(view: OrganizationView, pk: UUID, identity: UUID) -> Identity:
    rows = Identity.objects.select_related("customer__organization")
    row = rows.filter(customer=visible_customer(view, pk), pk=identity).first()
    if row is None:
        raise Http404("The customer has no such phone or e-mail.")
    return row
