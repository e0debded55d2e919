"""`/customers/{id}/consents`: what a customer allowed and forbade, as a ledger."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.strict import Strict, valid
from customers.models import Consent
from customers.people.api_access import visible_customer
from customers.people.consent import services as consent
from customers.people.customers.serializers import ConsentSerializer


class NewConsentSerializer(Strict):
    channel = serializers.ChoiceField(choices=["", "whatsapp", "sms", "email"], required=False, default="")
    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices, required=False, default=Consent.Purpose.MESSAGES)
    is_granted = serializers.BooleanField()
    how = serializers.CharField(max_length=200, help_text="By what: told the reception, signed a form.")
    proof = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConsentViewSet(OrganizationViewSet[Consent]):
    permissions = {"list": "customers.view", "create": "customers.edit"}
    serializer_class = ConsentSerializer
    pagination_class = None
    # The contract gives a ledger no ETag.
    etag_actions = frozenset()
    schema_tags = ["customers"]

    def get_queryset(self) -> QuerySet[Consent]:
        customer = visible_customer(self, self.kwargs["pk"], is_bare=True)
        return Consent.objects.filter(customer=customer).order_by("-created_at", "-id")

    def list(self, request: Request, **kwargs: object) -> Response:
        """Every word of the customer about consent, newest first; the newest for a channel and purpose is in force."""
        return super().list(request, **kwargs)

    @extend_schema(request=NewConsentSerializer, responses={201: ConsentSerializer(many=True)})
    def create(self, request: Request, **kwargs: object) -> Response:
        """Write down a word; nothing is written where it is so already. Answers with the ledger."""
        customer = visible_customer(self, self.kwargs["pk"])
        consent.change(customer=customer, actor=current_actor(), **valid(NewConsentSerializer(data=request.data)))
        return self.answer_list(self.get_queryset(), status=201)
