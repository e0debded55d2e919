"""Follow-ups: whom to get back to, day by day in the organization's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.models import Member
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, Strict, valid
from customers import days
from customers.models import Customer
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
        follow_up_at: datetime | None = self.validated_data.get("next_follow_up_at")
        return follow_up_at


class FollowUpViewSet(OrganizationViewSet[Customer]):
    permissions = {"list": "customers.view"}
    serializer_class = CustomerSerializer
    list_parameters = FollowUpParameters
    schema_name, schema_tags = "followups", ["followups"]

    def get_queryset(self) -> QuerySet[Customer]:
        return _in_order(self.member)

    def filter_rows(self, rows: QuerySet[Customer], filters: Body) -> QuerySet[Customer]:
        return _due(self.member, rows, filters)

    def list(self, request: Request, **kwargs: object) -> Response:
        """The customers who are due for follow-up on a day, the earliest first."""
        return super().list(request, **kwargs)


class FollowUpActions(OrganizationViewSet[Customer]):
    """What follow-ups add to `/customers`."""

    @extend_schema(parameters=[FollowUpParameters], responses=CustomerSerializer(many=True))
    @action(detail=True)
    def followups(self, request: Request, pk: UUID) -> Response:
        """The customer, where they are due; without a date and `overdue`, where any follow-up is set."""
        requested = read_parameters(request, FollowUpParameters)
        visible_customer(self, pk, is_bare=True)
        rows = _in_order(self.member).filter(pk=pk, next_follow_up_at__isnull=False)
        if "date" in requested or requested["overdue"] is not None or "assigned_to" in requested:
            rows = _due(self.member, rows, requested)
        return self.answer_list(rows)

    @extend_schema(request=FollowUpSerializer, responses=CustomerSerializer)
    @followups.mapping.post
    def set_follow_up(self, request: Request, pk: UUID) -> Response:
        """Set the one next follow-up; null or `{}` clears it."""
        customer = visible_customer(self, pk)
        body = FollowUpSerializer(data={} if request.data is None else request.data)
        valid(body)
        customers.set_follow_up(customer=customer, at=body.moment(), actor=current_actor())
        return self.answer(visible_customer(self, pk))


def _in_order(member: Member) -> QuerySet[Customer]:
    """The customers within reach, the earliest follow-up first."""
    return with_relations(Customer.objects.visible_to(member)).order_by("next_follow_up_at", "id")


def _due(member: Member, rows: QuerySet[Customer], requested: Body) -> QuerySet[Customer]:
    zone, now = member.organization.zone, timezone.now()
    if requested["overdue"] and "date" not in requested:
        rows = rows.filter(next_follow_up_at__lt=now)
    else:
        try:
            start, end = days.bounds(requested.get("date") or days.today(zone), zone)
        except OverflowError as error:
            raise invalid("date", "A day between the years 1 and 9999 is needed.") from error
        that_day = Q(next_follow_up_at__gte=start, next_follow_up_at__lt=end)
        rows = rows.filter(that_day | Q(next_follow_up_at__lt=now) if requested["overdue"] else that_day)
    owner = requested.get("assigned_to")
    if owner == "none":
        return rows.filter(assigned_to__isnull=True)
    return rows.filter(assigned_to=member.user_id if owner == "me" else owner) if owner else rows
