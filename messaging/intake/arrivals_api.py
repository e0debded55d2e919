"""`/channels/<id>/set-aside`: what a channel's provider told us and nobody could work on, and trying it again."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from core.api.errors import Conflict
from core.api.pages import CursorPages
from core.lookups import first_or_404
from messaging.intake import processing
from messaging.models import Arrival, Channel


class ArrivalSerializer(serializers.ModelSerializer[Arrival]):
    """Without its body: that is a customer's words, and stands in the admin."""

    reason = serializers.CharField(source="last_error", read_only=True, help_text="Why it could not be worked on.")

    class Meta:
        model = Arrival
        fields = ["id", "channel", "type", "state", "reason", "attempts", "received_at"]
        read_only_fields = fields


class SetAsideActions(OrganizationViewSet[Channel]):
    """What deliveries that were set aside add to `/channels`."""

    @extend_schema(operation_id="channel_set_aside_list", responses=ArrivalSerializer(many=True))
    @action(detail=True, url_path="set-aside", pagination_class=CursorPages, cursor_order=("-received_at", "-id"))
    def set_aside(self, request: Request, pk: UUID) -> Response:
        """What came for this channel and was set aside, newest first, with the reason."""
        return self.answer_list(processing.set_aside_of(self.get_object()).defer("body"), ArrivalSerializer)

    @extend_schema(
        operation_id="channel_set_aside_replay",
        request=None,
        responses={202: ArrivalSerializer, 409: OpenApiResponse(description="There is nothing in it to work on.")},
    )
    @action(detail=True, methods=["post"], url_path="set-aside/<uuid:arrival>/replay", url_name="replay")
    def replay(self, request: Request, pk: UUID, arrival: UUID) -> Response:
        """Have one worked on again."""
        rows = processing.set_aside_of(self.get_object()).filter(pk=arrival)
        row = first_or_404(rows, "There is no such delivery set aside here.")
        if not processing.replay(row):
            raise Conflict("Only its head was kept, so it can’t be processed. Read it at the provider.")
        return Response(ArrivalSerializer(row).data, status=202)
