"""`/inbox`: one row a customer, and what is done from there."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from core.api.pages import CursorPages
from core.api.strict import valid
from customers.people.api_access import visible_customer
from messaging.delivery.api_access import resolved, send
from messaging.models import Conversation
from messaging.threads import serializers
from messaging.threads.queries import inbox_counts, latest_conversations, thread_of_customer
from messaging.threads.serializers import CLOSED, REFUSED


class InboxViewSet(OrganizationViewSet[Conversation]):
    permissions = {
        **dict.fromkeys(("list", "counts", "thread"), "conversations.view"),
        **dict.fromkeys(("send_text", "send_template"), "conversations.edit"),
    }
    serializer_class = serializers.InboxRowSerializer
    list_parameters = serializers.InboxParameters
    schema_tags = ["inbox"]

    def list(self, request: Request, **kwargs: object) -> Response:
        """Customers with conversations, newest activity first."""
        filters = self.get_filters()
        if "stage" in filters:
            filters["stage"] = filters["stage"].key
        rows = latest_conversations(self.member, filters).with_list_relations()
        return self.answer_list(rows.order_by("-last_message_at", "-id"))

    @extend_schema(responses=serializers.CountsSerializer)
    def counts(self, request: Request) -> Response:
        """What waits where, for what the caller may see."""
        return Response(inbox_counts(self.member))

    @extend_schema(responses=serializers.MessageSerializer(many=True))
    @action(detail=True, pagination_class=CursorPages)
    def thread(self, request: Request, pk: UUID) -> Response:
        """Every channel's messages with the customer, newest first."""
        return self.answer_list(thread_of_customer(visible_customer(self, pk)), serializers.MessageSerializer)

    @extend_schema(
        request=serializers.SendTextSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    @action(detail=True, methods=["post"], url_path="send-text")
    def send_text(self, request: Request, pk: UUID) -> Response:
        """Queue a text to the customer; without a channel where they were last heard, else on the default."""
        customer = visible_customer(self, pk)
        data = valid(serializers.SendTextSerializer(data=request.data))
        message = send(self, customer, kind=data.pop("channel", ""), data=data)
        return Response(serializers.MessageSerializer(message).data, status=201)

    @extend_schema(
        request=serializers.SendTemplateSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    @action(detail=True, methods=["post"], url_path="send-template")
    def send_template(self, request: Request, pk: UUID) -> Response:
        """Queue a template to the customer; an approved one also after the reply window has closed."""
        customer = visible_customer(self, pk)
        data = resolved(self, valid(serializers.SendTemplateSerializer(data=request.data)))
        message = send(
            self,
            customer,
            kind=data.pop("channel", "") or ("" if data.get("channel_id") else data["template"].channel),
            data=data,
        )
        return Response(serializers.MessageSerializer(message).data, status=201)
