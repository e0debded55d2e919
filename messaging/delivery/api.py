"""`/outbound-messages`: the queue."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.pages import CursorPages, paginated
from core.api.parameters import read_parameters
from customers.models import Customer
from messaging.delivery import queue as outbound
from messaging.delivery.api_access import send
from messaging.models import Message
from messaging.threads import serializers
from messaging.threads.api_access import visible_message
from messaging.threads.serializers import CLOSED, REFUSED

STATE = OpenApiResponse(description="The message is in a state in which this can't be done.")


class OutboundListView(OrganizationView):
    permissions_by_method = {"GET": "conversations.view", "POST": "conversations.edit"}
    pagination_class = CursorPages

    @extend_schema(
        tags=["outbound messages"],
        parameters=[serializers.OutboundParameters],
        responses=serializers.MessageSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """What was or is to be sent, newest first."""
        filters = read_parameters(request, serializers.OutboundParameters)
        rows = Message.objects.visible_to(self.member).outbound().with_thread_relations()
        for name, path in (("status", "status"), ("customer_id", "customer"), ("channel", "channel__kind")):
            if filters.get(name):
                rows = rows.filter(**{path: filters[name]})
        return paginated(self, rows, lambda page: serializers.MessageSerializer(page, many=True).data)

    @extend_schema(
        tags=["outbound messages"],
        request=serializers.OutboundSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    def post(self, request: Request) -> Response:
        """Queue a message to a customer; without a channel where they were last heard, else on the default."""
        serializer = serializers.OutboundSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        customer = Customer.objects.visible_to(self.member).filter(pk=data.pop("customer_id")).first()
        if customer is None:
            raise invalid("customer_id", "There is no such customer.", code="not_found")
        message = send(self, customer, kind=data.pop("channel", ""), data=data)
        return Response(serializers.MessageSerializer(message).data, status=status.HTTP_201_CREATED)


class OutboundView(OrganizationView):
    permissions_by_method = {"GET": "conversations.view"}

    @extend_schema(tags=["outbound messages"], responses=serializers.MessageSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One message, with its state and why."""
        return Response(serializers.MessageSerializer(visible_message(self, pk)).data)


class CancelView(OrganizationView):
    permissions_by_method = {"POST": "conversations.edit"}

    @extend_schema(tags=["outbound messages"], request=None, responses={200: serializers.MessageSerializer, 409: STATE})
    def post(self, request: Request, pk: UUID) -> Response:
        """Take a queued message back; 409 once it is being sent."""
        message = visible_message(self, pk)
        outbound.cancel(message=message, actor=current_actor(), reason="cancelled")
        return Response(serializers.MessageSerializer(message).data)


class RetryView(OrganizationView):
    permissions_by_method = {"POST": "conversations.edit"}

    @extend_schema(
        tags=["outbound messages"],
        request=None,
        responses={200: serializers.MessageSerializer, 403: REFUSED, 409: STATE},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Send a failed or unconfirmed message again."""
        message = visible_message(self, pk)
        outbound.retry(message=message, actor=current_actor())
        return Response(serializers.MessageSerializer(message).data)
