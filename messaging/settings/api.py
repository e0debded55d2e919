"""`/channels`: accounts that messages go through."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.permissions import Reach
from activity.actor import ActorKind, current_actor
from core.api.errors import invalid
from core.api.pages import CursorPages, NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from messaging.intake import backfill
from messaging.models import Channel, Message, Reconciliation
from messaging.settings import services as channels
from messaging.settings.serializers import (
    ChannelSerializer,
    CheckSerializer,
    ReconcileSerializer,
    ReconciliationSerializer,
)

CANNOT_ASK = OpenApiResponse(description="The provider has no list, or it is being asked already.")
IN_USE = OpenApiResponse(description="The channel has conversations.")


class ChannelListView(OrganizationView):
    permissions_by_method = {"GET": "channels.view", "POST": "channels.create"}
    pagination_class = NumberedPages

    @extend_schema(tags=["channels"], responses=ChannelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The organization's channels."""
        read_parameters(request, ListParameters)
        return paginated(
            self,
            Channel.objects.order_by("created_at", "id"),
            lambda page: ChannelSerializer(page, many=True).data,
        )

    @extend_schema(tags=["channels"], request=ChannelSerializer, responses={201: ChannelSerializer})
    def post(self, request: Request) -> Response:
        """Set up a channel."""
        serializer = ChannelSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        channel = channels.create(
            organization=self.member.organization, actor=current_actor(), **serializer.validated_data
        )
        return Response(ChannelSerializer(channel).data, status=status.HTTP_201_CREATED)


class ChannelView(OrganizationView):
    permissions_by_method = {"GET": "channels.view", "PATCH": "channels.edit", "DELETE": "channels.delete"}

    @extend_schema(tags=["channels"], responses=ChannelSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One channel."""
        return Response(ChannelSerializer(_channel(pk)).data)

    @extend_schema(
        tags=["channels"],
        request=ChannelSerializer(partial=True),
        responses={200: ChannelSerializer},
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change a channel; kind and provider stay what they are."""
        channel = _channel(pk)
        serializer = ChannelSerializer(channel, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, object] = dict(serializer.validated_data)
        for field in ("kind", "provider"):
            if changes.pop(field, getattr(channel, field)) != getattr(channel, field):
                raise invalid(field, "A channel keeps its kind and provider. Set up another one.")
        channels.update(channel=channel, actor=current_actor(), changes=changes)
        return Response(ChannelSerializer(channel).data)

    @extend_schema(tags=["channels"], responses={204: None, 409: IN_USE})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Remove a channel that nothing was ever said on."""
        channels.delete(channel=_channel(pk), actor=current_actor())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChannelCheckView(OrganizationView):
    permissions_by_method = {"POST": "channels.edit"}
    # It waits for the provider.
    is_done_in_one_transaction = False

    @extend_schema(tags=["channels"], request=None, responses=CheckSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Try the account without sending anything, and say what is wrong."""
        result = channels.check(_channel(pk))
        text = {"is_ok": not result.problems, "problems": result.problems, "webhooks": result.webhooks}
        return Response(CheckSerializer(text).data)


class ReconciliationListView(OrganizationView):
    permissions_by_method = {"GET": "channels.view", "POST": "channels.edit"}
    pagination_class = CursorPages

    @extend_schema(
        tags=["channels"],
        operation_id="channel_reconciliations_list",
        responses=ReconciliationSerializer(many=True),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """How the provider was asked for what we missed, and what was found, newest first."""
        rows = Reconciliation.objects.filter(channel=_channel(pk)).order_by("-created_at", "-id")
        return paginated(self, rows, self._as_seen)

    def _as_seen(self, page: Sequence[Reconciliation]) -> object:
        """What was found of customers out of the member's reach is counted, and not shown."""
        text = ReconciliationSerializer(page, many=True).data
        if self.member.reach == Reach.ALL:
            return text
        ids = {entry.get("id") for row in page for entry in row.found}
        visible = Message.objects.visible_to(self.member).filter(
            channel__in={row.channel_id for row in page}, provider_message_id__in=ids
        )
        seen = set(visible.values_list("provider_message_id", flat=True))
        return [{**row, "found": [entry for entry in row["found"] if entry.get("id") in seen]} for row in text]

    @extend_schema(
        tags=["channels"],
        request=ReconcileSerializer,
        responses={202: ReconciliationSerializer, 409: CANNOT_ASK},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Have the provider asked now for messages and deliveries that we missed; what is found comes in once."""
        channel = _channel(pk)
        body = ReconcileSerializer(data=request.data or {})
        body.is_valid(raise_exception=True)
        actor = current_actor()
        author = self.member.user if actor.kind == ActorKind.USER else None
        row = backfill.request_backfill(channel=channel, actor=actor, asked_by=author, **body.validated_data)
        return Response(ReconciliationSerializer(row).data, status=status.HTTP_202_ACCEPTED)


def _channel(pk: UUID) -> Channel:
    row = Channel.objects.select_related("organization").filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such channel.")
    return row
