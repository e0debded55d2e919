"""What happened with a customer: the history of changes, and the timeline of everything."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet, permissions_of
from activity.models import Event
from core.api.pages import CursorPages, cursor_page, page_size
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body
from customers.models import Customer
from customers.page.timeline import queries as timeline
from customers.people.api_access import visible_customer
from customers.people.customers.queries import history_of


class ChangeSerializer(serializers.Serializer[object]):
    """One event of the ledger, with every field that it changed."""

    id = serializers.UUIDField()
    event = serializers.CharField(source="type")
    at = serializers.DateTimeField(source="occurred_at")
    actor = serializers.CharField(source="actor_label")
    actor_kind = serializers.CharField()
    changes = serializers.SerializerMethodField()

    def get_changes(self, event: Event) -> list[Body]:
        """`field`, `from`, `to`; of an event without fields, an empty list."""
        payload = event.payload
        if "changes" in payload:
            return [{"field": field, **sides} for field, sides in payload["changes"].items()]
        names = {"customer.stage_changed": "stage", "customer.stage_change_undone": "stage"}
        names |= {"customer.assigned": "assigned_to"}
        names |= {"customer.follow_up_set": "next_follow_up_at"}
        if event.type in names:
            return [{"field": names[event.type], "from": payload.get("from"), "to": payload.get("to")}]
        if "tag" in payload:
            sides = (None, payload["tag"]) if event.type.endswith("added") else (payload["tag"], None)
            return [{"field": "tags", "from": sides[0], "to": sides[1]}]
        return []


class ItemSerializer(serializers.Serializer[object]):
    """A row of the timeline; what stands in `data` depends on the type."""

    type = serializers.CharField()
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]


class TimelineParameters(ListParameters):
    types = serializers.CharField(required=False, help_text="Separated by commas: message, interaction, task, …")


class TimelineActions(OrganizationViewSet[Customer]):
    """What the timeline adds to `/customers`."""

    @extend_schema(responses=ChangeSerializer(many=True))
    @action(detail=True, pagination_class=CursorPages, cursor_order=("-occurred_at", "-id"))
    def history(self, request: Request, pk: UUID) -> Response:
        """Stage and field changes, newest first: who, when, from, to."""
        read_parameters(request, ListParameters)
        return self.answer_list(history_of(visible_customer(self, pk, is_bare=True)), ChangeSerializer)

    @extend_schema(parameters=[TimelineParameters], responses=ItemSerializer(many=True))
    @action(detail=True, pagination_class=CursorPages)
    def timeline(self, request: Request, pk: UUID) -> Response:
        """Messages, notes, tasks, deals, stage changes, files and changes, newest first."""
        requested = read_parameters(request, TimelineParameters)
        page = timeline.page_of(
            visible_customer(self, pk, is_bare=True),
            may=permissions_of(request, self.member).__contains__,
            types=[name for name in requested.get("types", "").split(",") if name],
            cursor=request.query_params.get("cursor", ""),
            size=page_size(request),
        )
        rows = [{"type": item.type, "id": item.id, "at": item.at, "data": item.data} for item in page.items]
        return cursor_page(request, page.next_cursor, ItemSerializer(rows, many=True).data)
