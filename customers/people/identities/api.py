"""`/customers/{id}/identities`: the phones and e-mails of a customer."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
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


@extend_schema_view(
    list=extend_schema(description="Every phone and e-mail of the customer, the primary ones first."),
    create=extend_schema(
        description="Another phone or e-mail.",
        request=NewIdentitySerializer,
        responses={201: IdentitySerializer, 409: TAKEN},
    ),
    destroy=extend_schema(
        description="Take a phone or e-mail away; the next one of its kind becomes the primary one.",
        responses={204: OpenApiResponse(description="Taken away.")},
    ),
)
class IdentityViewSet(OrganizationViewSet[Identity]):
    permissions = {"list": "customers.view", **dict.fromkeys(("create", "destroy", "primary"), "customers.edit")}
    serializer_class = IdentitySerializer
    lookup_url_kwarg = "identity"
    missing_detail = "The customer has no such phone or e-mail."
    pagination_class = None
    # The contract gives an address no ETag.
    etag_actions = frozenset()
    schema_tags = ["customers"]

    def get_queryset(self) -> QuerySet[Identity]:
        customer = visible_customer(self, self.kwargs["pk"], is_bare=True)
        return Identity.objects.select_related("customer__organization").filter(customer=customer)

    def create(self, request: Request, **kwargs: object) -> Response:
        customer = visible_customer(self, self.kwargs["pk"])
        data = valid(NewIdentitySerializer(data=request.data))
        address = (
            identities.phone(data["value"], organization=customer.organization)
            if data["kind"] == Identity.Kind.PHONE
            else identities.email(data["value"])
        )
        identity = addresses.add(customer=customer, address=address, actor=current_actor())
        if data["is_primary"]:
            addresses.make_primary(identity=identity, actor=current_actor())
        return self.answer(identity, 201)

    def perform_destroy(self, instance: Identity) -> None:
        addresses.remove(identity=instance, actor=current_actor())

    @extend_schema(request=None, responses=IdentitySerializer)
    @action(detail=True, methods=["post"])
    def primary(self, request: Request, pk: UUID, identity: UUID) -> Response:
        """Have this one written to first."""
        result = self.get_object()
        addresses.make_primary(identity=result, actor=current_actor())
        return self.answer(result)
