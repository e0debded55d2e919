"""Follow-ups: whom to get back to, day by day in the organization's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, Strict, valid
from customers import days
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet
from customers.people.api_access import visible_customer, with_relations
from customers.people.custom_fields.serializer_fields import OwnerFilterField
from customers.people.customers import services as customers
from customers.people.customers.serializers import CustomerSerializer

MAX_MINUTES = 43_200


class FollowUpParameters(ListParameters):
    date = serializers.DateField(required=False, help_text="In the organization's time zone; else today.")
    overdue = serializers.BooleanField(
        required=False, allow_null=True, default=None,
        help_text="true: those whose time is over, beside those of the date where one is given.",
    )  # fmt: skip
    assigned_to = OwnerFilterField(required=False)


class FollowUpSerializer(Strict):
    """When to get back to the customer. null, or neither of the two, clears it."""

    next_follow_up_at = serializers.DateTimeField(required=False, allow_null=True)
    minutes_from_now = serializers.IntegerField(required=False, min_value=1, max_value=MAX_MINUTES, allow_null=True)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if attrs.get("next_follow_up_at") is not None and attrs.get("minutes_from_now") is not None:
            raise invalid("minutes_from_now", "Give one of the two.")
        return attrs

    def moment(self) -> datetime | None:
        """The time asked for; None clears."""
        minutes = self.validated_data.get("minutes_from_now")
        if minutes is not None:
            return timezone.now() + timedelta(minutes=minutes)
        wanted: datetime | None = self.validated_data.get("next_follow_up_at")
        return wanted


class FollowUpsView(OrganizationView):
    permissions_by_method = {"GET": "customers.view"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["followups"], operation_id="followups_list", parameters=[FollowUpParameters],
        responses=CustomerSerializer(many=True),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The customers who are due for follow-up on a day, the earliest first."""
        rows = _due(self, Customer.objects.visible_to(self.member), read_parameters(request, FollowUpParameters))
        rows = with_relations(rows).order_by("next_follow_up_at", "id")
        return paginated(self, rows, lambda page: CustomerSerializer(page, many=True).data)


class CustomerFollowUpsView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "customers.edit"}
    pagination_class = NumberedPages

    @extend_schema(tags=["customers"], parameters=[FollowUpParameters], responses=CustomerSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """The customer, where they are due; without a date and `overdue`, where any follow-up is set."""
        requested = read_parameters(request, FollowUpParameters)
        visible_customer(self, pk, is_bare=True)
        rows = Customer.objects.visible_to(self.member).filter(pk=pk, next_follow_up_at__isnull=False)
        if "date" in requested or requested["overdue"] is not None or "assigned_to" in requested:
            rows = _due(self, rows, requested)
        rows = with_relations(rows).order_by("next_follow_up_at", "id")
        return paginated(self, rows, lambda page: CustomerSerializer(page, many=True).data)

    @extend_schema(tags=["customers"], request=FollowUpSerializer, responses=CustomerSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Set the one next follow-up, or clear it."""
        customer = visible_customer(self, pk)
        body = FollowUpSerializer(data={} if request.data is None else request.data)
        valid(body)
        customers.set_follow_up(customer=customer, at=body.moment(), actor=current_actor())
        return Response(CustomerSerializer(visible_customer(self, pk)).data)


def _due(view: OrganizationView, rows: CustomerQuerySet, asked: Body) -> CustomerQuerySet:
    zone, now = view.member.organization.zone, timezone.now()
    if asked["overdue"] and "date" not in asked:
        rows = rows.filter(next_follow_up_at__lt=now)
    else:
        try:
            start, end = days.bounds(asked.get("date") or days.today(zone), zone)
        except OverflowError as error:
            raise invalid("date", "A day between the years 1 and 9999 is needed.") from error
        that_day = Q(next_follow_up_at__gte=start, next_follow_up_at__lt=end)
        rows = rows.filter(that_day | Q(next_follow_up_at__lt=now) if asked["overdue"] else that_day)
    owner = asked.get("assigned_to")
    if owner == "none":
        return rows.filter(assigned_to__isnull=True)
    return rows.filter(assigned_to=view.member.user_id if owner == "me" else owner) if owner else rows
