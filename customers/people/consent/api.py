"""`/customers/{id}/consents`: what a customer allowed and forbade, as a ledger."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict, valid
from customers.models import Consent, Customer
from customers.people.api_access import visible_customer
from customers.people.consent import services as consent
from customers.people.customers.serializers import ConsentSerializer


class NewConsentSerializer(Strict):
    channel = serializers.ChoiceField(choices=["", "whatsapp", "sms", "email"], required=False, default="")
    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices, required=False, default=Consent.Purpose.MESSAGES)
    is_granted = serializers.BooleanField()
    how = serializers.CharField(max_length=200, help_text="By what: told the reception, signed a form.")
    proof = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConsentsView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "customers.edit"}

    @extend_schema(tags=["customers"], responses=ConsentSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """Every word of the customer about consent, newest first; the newest for a channel and purpose is in force."""
        read_parameters(request, ListParameters)
        return self._shown(visible_customer(self, pk))

    @extend_schema(tags=["customers"], request=NewConsentSerializer, responses={201: ConsentSerializer(many=True)})
    def post(self, request: Request, pk: UUID) -> Response:
        """Write down a word; nothing is written where it is so already. Answers with the ledger."""
        customer = visible_customer(self, pk)
        data = valid(NewConsentSerializer(data=request.data))
        consent.change(customer=customer, actor=current_actor(), **data)
        return self._shown(customer, 201)

    def _shown(self, customer: Customer, status: int = 200) -> Response:
        rows = Consent.objects.filter(customer=customer).order_by("-created_at", "-id")
        return Response(ConsentSerializer(rows, many=True).data, status=status)
