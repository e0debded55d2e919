"""`/outbound-messages`: the queue."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.pages import CursorPages
from core.api.strict import valid
from customers.models import Customer
from messaging.delivery import queue as outbound
from messaging.delivery.api_access import send
from messaging.models import Message
from messaging.threads import serializers
from messaging.threads.api_access import visible_message
from messaging.threads.serializers import CLOSED, REFUSED

STATE = OpenApiResponse(description="The message is in a state in which this can't be done.")


@extend_schema_view(
    list=extend_schema(description="What was or is to be sent, newest first."),
    retrieve=extend_schema(description="One message, with its state and why."),
)
class OutboundViewSet(OrganizationViewSet[Message]):
    permissions = {
        "list": "conversations.view", "create": "conversations.edit", "retrieve": "conversations.view",
        "cancel": "conversations.edit", "retry": "conversations.edit",
    }  # fmt: skip
    serializer_class = serializers.MessageSerializer
    list_parameters = serializers.OutboundParameters
    lookups = {"status": "status", "customer_id": "customer", "channel": "channel__kind"}
    pagination_class = CursorPages
    # The contract gives a message no ETag.
    etag_actions = frozenset()
    schema_tags = ["outbound messages"]

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.visible_to(self.member).outbound().with_thread_relations()

    def get_object(self, *, lock: bool = False) -> Message:
        return visible_message(self, self.kwargs["pk"])

    @extend_schema(
        request=serializers.OutboundSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    def create(self, request: Request, **kwargs: object) -> Response:
        """Queue a message to a customer; without a channel where they were last heard, else on the default."""
        data = valid(serializers.OutboundSerializer(data=request.data))
        customer = Customer.objects.visible_to(self.member).filter(pk=data.pop("customer_id")).first()
        if customer is None:
            raise invalid("customer_id", "There is no such customer.", code="not_found")
        return self.answer(send(self, customer, kind=data.pop("channel", ""), data=data), 201)

    @extend_schema(request=None, responses={200: serializers.MessageSerializer, 409: STATE})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Take a queued message back; 409 once it is being sent."""
        message = self.get_object()
        outbound.cancel(message=message, actor=current_actor(), reason="cancelled")
        return self.answer(message)

    @extend_schema(request=None, responses={200: serializers.MessageSerializer, 403: REFUSED, 409: STATE})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Send a failed or unconfirmed message again."""
        message = self.get_object()
        outbound.retry(message=message, actor=current_actor())
        return self.answer(message)
