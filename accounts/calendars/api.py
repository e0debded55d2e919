"""`/calendars`: when the organization, its teams and channels work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.access.api import OrganizationViewSet
from accounts.calendars import parsing, queries
from accounts.calendars import services as calendars
from accounts.models import BusinessCalendar
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, Strict, valid
from core.tenancy import current_organization

TIME_PATTERN = r"^([01]?\d|2[0-3]):[0-5]\d$|^24:00$"


class IntervalSerializer(Strict):
    """From a time of the day to a later one of the same day."""

    start = serializers.RegexField(TIME_PATTERN, help_text="09:00")
    end = serializers.RegexField(TIME_PATTERN, help_text="17:30; 24:00 is the midnight that ends the day.")


def _intervals(*, required: bool = True) -> serializers.ListField:
    return serializers.ListField(child=IntervalSerializer(), max_length=parsing.MAX_INTERVALS, required=required)


class WeekSerializer(Strict):
    """The intervals of each day; a day without any is closed."""

    monday = _intervals(required=False)
    tuesday = _intervals(required=False)
    wednesday = _intervals(required=False)
    thursday = _intervals(required=False)
    friday = _intervals(required=False)
    saturday = _intervals(required=False)
    sunday = _intervals(required=False)

    def to_representation(self, instance: Mapping[str, list[parsing.Hours]]) -> dict[str, list[parsing.Hours]]:
        return {day: instance.get(day, []) for day in parsing.DAYS}


class ExceptionSerializer(Strict):
    """A date with hours of its own; without any it is closed."""

    date = serializers.DateField()
    name = serializers.CharField(max_length=calendars.MAX_NAME_LENGTH, allow_blank=True, default="")
    intervals = _intervals()


class HolidaysSerializer(Strict):
    """Whose public holidays are closed."""

    country = serializers.CharField(source="holiday_country", max_length=2, allow_blank=True, help_text="Such as GB.")
    region = serializers.CharField(
        source="holiday_region", max_length=40, allow_blank=True, default="", help_text="Such as ENG; empty: all of it."
    )


class CalendarSerializer(Strict, serializers.ModelSerializer[BusinessCalendar]):
    name = serializers.CharField(max_length=calendars.MAX_NAME_LENGTH)
    timezone = serializers.CharField(
        max_length=64, allow_blank=True, required=False, help_text="Empty: the organization’s."
    )
    weekly = WeekSerializer(required=False)
    exceptions = serializers.ListField(child=ExceptionSerializer(), required=False, max_length=parsing.MAX_EXCEPTIONS)
    holidays = HolidaysSerializer(source="*", required=False)
    is_default = serializers.BooleanField(required=False, help_text="It counts for all that have none of their own.")

    class Meta:
        model = BusinessCalendar
        fields = [
            "id", "name", "timezone", "weekly", "exceptions", "holidays", "is_default", "closed_from", "closed_until",
            "closed_text", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "closed_from", "closed_until", "closed_text", "created_at"]


class CloseSerializer(Strict):
    until = serializers.DateTimeField(help_text="A moment to come, at most a year ahead.")
    text = serializers.CharField(
        max_length=calendars.MAX_TEXT_LENGTH, allow_blank=True, default="", help_text="What people are told."
    )


class NowSerializer(serializers.Serializer[queries.Now]):
    """How it is now."""

    is_open = serializers.BooleanField()
    until = serializers.DateTimeField(allow_null=True, help_text="How long that lasts; null: for long.")
    is_closing = serializers.BooleanField(help_text="Whether somebody closed it, whatever the hours say.")
    text = serializers.CharField(help_text="What people are told of a closing.")


@extend_schema_view(
    list=extend_schema(description="The calendars: the one that counts for all others first, then by name."),
    create=extend_schema(description="A new calendar; the first counts for all that have none of their own."),
    partial_update=extend_schema(description="Other hours, days, holidays, another name or zone."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Delete a calendar that no team or channel works by."),
)
class CalendarViewSet(OrganizationViewSet[BusinessCalendar]):
    permissions = {
        "list": "settings.view", "create": "settings.edit", "retrieve": "settings.view", "update": "settings.edit",
        "partial_update": "settings.edit", "destroy": "settings.edit", "close": "settings.edit",
        "reopen": "settings.edit", "now": "settings.view",
    }  # fmt: skip
    serializer_class = CalendarSerializer
    missing_detail = "There is no such calendar."
    empty = {"timezone": "", "weekly": {}, "exceptions": [], "holiday_country": "", "holiday_region": ""}
    schema_tags = ["calendars"]

    def get_queryset(self) -> QuerySet[BusinessCalendar]:
        return queries.calendars_of(self.member.organization)

    def lock_rows(self, rows: QuerySet[BusinessCalendar]) -> QuerySet[BusinessCalendar]:
        # Every change of calendars locks the organization first.
        grants.lock(self.member.organization)
        return rows

    def perform_create(self, data: Body) -> BusinessCalendar:
        return calendars.create(organization=current_organization(), actor=current_actor(), values=_values(data))

    def perform_update(self, instance: BusinessCalendar, changes: Body) -> BusinessCalendar:
        return calendars.update(calendar=instance, actor=current_actor(), changes=_values(changes))

    def perform_destroy(self, instance: BusinessCalendar) -> None:
        calendars.delete(calendar=instance, actor=current_actor())

    @extend_schema(
        request=CloseSerializer,
        responses={200: CalendarSerializer},
        description="Closed from now until a moment, whatever the hours say. It ends by itself.",
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: UUID) -> Response:
        calendar = self.get_object()
        body = valid(CloseSerializer(data=request.data))
        return self.answer(calendars.close(calendar=calendar, actor=current_actor(), **body))

    @extend_schema(
        request=None,
        responses={200: CalendarSerializer, 409: OpenApiResponse(description="It is not closed.")},
        description="End a closing before its time.",
    )
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: UUID) -> Response:
        return self.answer(calendars.reopen(calendar=self.get_object(), actor=current_actor()))

    @extend_schema(
        responses={200: NowSerializer},
        description="Whether it is open now, and until when that lasts.",
    )
    @action(detail=True, methods=["get"])
    def now(self, request: Request, pk: UUID) -> Response:
        read_parameters(request, ListParameters)
        return Response(NowSerializer(queries.now_of(self.get_object())).data)


def _values(data: Body) -> calendars.Values:
    """The checked body as the service takes it: days as they are stored."""
    values = dict(data)
    if "exceptions" in values:
        values["exceptions"] = [{**row, "date": row["date"].isoformat()} for row in values["exceptions"]]
    return cast("calendars.Values", values)
