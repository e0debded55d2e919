"""`/inbox`: one row a customer, and what is done from there."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.pages import CursorPages, NumberedPages, paginated
from core.api.parameters import read_parameters
from core.api.strict import valid
from customers.people.api_access import visible_customer
from customers.people.customers import services as customers
from customers.people.customers.serializers import CustomerSerializer
from customers.work.follow_ups.api import FollowUpSerializer
from messaging.delivery.api_access import resolved, send
from messaging.threads import serializers
from messaging.threads.queries import inbox_counts, latest_conversations, thread_of_customer
from messaging.threads.serializers import CLOSED, REFUSED


class InboxView(OrganizationView):
    permissions_by_method = {"GET": "conversations.view"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["inbox"], parameters=[serializers.InboxParameters], responses=serializers.InboxRowSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Customers with conversations, newest activity first."""
        filters = read_parameters(request, serializers.InboxParameters)
        if "stage" in filters:
            filters["stage"] = filters["stage"].key
        rows = latest_conversations(self.member, filters).with_list_relations().order_by("-last_message_at", "-id")
        return paginated(self, rows, lambda page: serializers.InboxRowSerializer(page, many=True).data)


class CountsView(OrganizationView):
    permissions_by_method = {"GET": "conversations.view"}

    @extend_schema(tags=["inbox"], responses=serializers.CountsSerializer)
    def get(self, request: Request) -> Response:
        """What waits where, for what the caller may see."""
        return Response(inbox_counts(self.member))


class ThreadView(OrganizationView):
    permissions_by_method = {"GET": "conversations.view"}
    pagination_class = CursorPages

    @extend_schema(tags=["inbox"], responses=serializers.MessageSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """Every channel's messages with the customer, newest first."""
        rows = thread_of_customer(visible_customer(self, pk))
        return paginated(self, rows, lambda page: serializers.MessageSerializer(page, many=True).data)


class FollowUpView(OrganizationView):
    permissions_by_method = {"POST": "customers.edit"}

    @extend_schema(tags=["inbox"], request=FollowUpSerializer, responses=CustomerSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Set the next follow-up; null or `{}` clears it."""
        customer = visible_customer(self, pk)
        serializer = FollowUpSerializer(data=request.data or {})
        valid(serializer)
        customers.set_follow_up(customer=customer, at=serializer.moment(), actor=current_actor())
        return Response(CustomerSerializer(customer).data)


class SendTextView(OrganizationView):
    permissions_by_method = {"POST": "conversations.edit"}

    @extend_schema(
        tags=["inbox"],
        request=serializers.SendTextSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Queue a text to the customer; without a channel where they were last heard, else on the default."""
        customer = visible_customer(self, pk)
        data = valid(serializers.SendTextSerializer(data=request.data))
        message = send(self, customer, kind=data.pop("channel", ""), data=data)
        return Response(serializers.MessageSerializer(message).data, status=status.HTTP_201_CREATED)


class SendTemplateView(OrganizationView):
    permissions_by_method = {"POST": "conversations.edit"}

    @extend_schema(
        tags=["inbox"],
        request=serializers.SendTemplateSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Queue a template to the customer; an approved one also after the reply window has closed."""
        customer = visible_customer(self, pk)
        data = resolved(self, valid(serializers.SendTemplateSerializer(data=request.data)))
        message = send(
            self,
            customer,
            kind=data.pop("channel", "") or ("" if data.get("channel_id") else data["template"].channel),
            data=data,
        )
        return Response(serializers.MessageSerializer(message).data, status=status.HTTP_201_CREATED)
