"""`/channels/<id>/set-aside`: what a channel's provider told us and nobody could work on, and trying it again."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from core.api.errors import Conflict
from core.api.pages import CursorPages, paginated
from messaging.intake import processing
from messaging.models import Arrival, Channel


class ArrivalSerializer(serializers.ModelSerializer[Arrival]):
    """Without its body: that is a customer's words, and stands in the admin."""

    reason = serializers.CharField(source="last_error", read_only=True, help_text="Why it could not be worked on.")

    class Meta:
        model = Arrival
        fields = ["id", "channel", "type", "state", "reason", "attempts", "received_at"]
        read_only_fields = fields


class SetAsideListView(OrganizationView):
    permissions_by_method = {"GET": "channels.edit"}
    pagination_class = CursorPages
    cursor_order = ("-received_at", "-id")

    @extend_schema(tags=["channels"], operation_id="channel_set_aside_list", responses=ArrivalSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """What came for this channel and was set aside, newest first, with the reason."""
        rows = processing.set_aside_of(_channel(pk)).defer("body")
        return paginated(self, rows, lambda page: ArrivalSerializer(page, many=True).data)


class ReplayView(OrganizationView):
    permissions_by_method = {"POST": "channels.edit"}

    @extend_schema(
        tags=["channels"],
        operation_id="channel_set_aside_replay",
        request=None,
        responses={202: ArrivalSerializer, 409: OpenApiResponse(description="There is nothing in it to work on.")},
    )
    def post(self, request: Request, pk: UUID, arrival: UUID) -> Response:
        """Have one worked on again."""
        row = processing.set_aside_of(_channel(pk)).filter(pk=arrival).first()
        if row is None:
            raise Http404("There is no such delivery set aside here.")
        if not processing.replay(row):
            raise Conflict("Only its head was kept, so it can’t be processed. Read it at the provider.")
        return Response(ArrivalSerializer(row).data, status=status.HTTP_202_ACCEPTED)


def _channel(pk: UUID) -> Channel:
    row = Channel.objects.filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such channel.")
    return row
