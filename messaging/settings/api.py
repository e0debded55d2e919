"""`/channels`: accounts that messages go through."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Reach
from activity.actor import ActorKind, current_actor
from core.api.pages import CursorPages
from core.api.strict import Body, valid
from messaging.intake import backfill
from messaging.intake.arrivals_api import SetAsideActions
from messaging.models import Channel, Message, Reconciliation
from messaging.settings import services as channels
from messaging.settings.serializers import (
    ChannelSerializer,
    CheckSerializer,
    ReconcileSerializer,
    ReconciliationSerializer,
)

NOT_REQUESTABLE = OpenApiResponse(description="The provider has no list, or it is being asked already.")
IN_USE = OpenApiResponse(description="The channel has conversations.")


IS_FIXED = "A channel keeps its kind and provider. Set up another one."


@extend_schema_view(
    list=extend_schema(description="The organization's channels."),
    create=extend_schema(description="Set up a channel."),
    partial_update=extend_schema(description="Change a channel; kind and provider stay what they are."),
    destroy=extend_schema(
        description="Remove a channel that nothing was ever said on.", responses={204: None, 409: IN_USE}
    ),
)
class ChannelViewSet(SetAsideActions):
    permissions = {
        "list": "channels.view", "create": "channels.create", "retrieve": "channels.view",
        "partial_update": "channels.edit", "destroy": "channels.delete",
        "reconciliations": "channels.view",
        **dict.fromkeys(("check", "reconcile", "set_aside", "replay"), "channels.edit"),
    }  # fmt: skip
    serializer_class = ChannelSerializer
    missing_detail = "There is no such channel."
    fixed = {"kind": IS_FIXED, "provider": IS_FIXED}
    # The contract gives a channel no ETag.
    etag_actions = frozenset()
    schema_tags = ["channels"]

    def get_queryset(self) -> QuerySet[Channel]:
        return Channel.objects.select_related("organization").order_by("created_at", "id")

    def perform_create(self, data: Body) -> Channel:
        return channels.create(organization=self.member.organization, actor=current_actor(), **_values(data))

    def perform_update(self, instance: Channel, changes: Body) -> Channel:
        channels.update(channel=instance, actor=current_actor(), changes=_values(changes))
        return instance

    def perform_destroy(self, instance: Channel) -> None:
        channels.delete(channel=instance, actor=current_actor())

    @extend_schema(request=None, responses=CheckSerializer)
    # It waits for the provider.
    @action(detail=True, methods=["post"], is_done_in_one_transaction=False)
    def check(self, request: Request, pk: UUID) -> Response:
        """Try the account without sending anything, and say what is wrong."""
        result = channels.check(self.get_object())
        body = {"is_ok": not result.problems, "problems": result.problems, "webhooks": result.webhooks}
        return Response(CheckSerializer(body).data)

    @extend_schema(operation_id="channel_reconciliations_list", responses=ReconciliationSerializer(many=True))
    @action(detail=True, pagination_class=CursorPages)
    def reconciliations(self, request: Request, pk: UUID) -> Response:
        """How the provider was asked for what we missed, and what was found, newest first."""
        channel = self.get_object()
        rows = Reconciliation.objects.filter(channel=channel).order_by("-created_at", "-id")
        answer = self.answer_list(rows, ReconciliationSerializer)
        if self.member.reach != Reach.ALL:
            self._hide(channel, answer.data["results"])
        return answer

    def _hide(self, channel: Channel, results: list[Body]) -> None:
        """What was found of customers out of the member's reach is counted, and not shown."""
        ids = {entry.get("id") for row in results for entry in row["found"]}
        visible = Message.objects.visible_to(self.member).filter(channel=channel, provider_message_id__in=ids)
        seen = set(visible.values_list("provider_message_id", flat=True))
        for row in results:
            row["found"] = [entry for entry in row["found"] if entry.get("id") in seen]

    @extend_schema(request=ReconcileSerializer, responses={202: ReconciliationSerializer, 409: NOT_REQUESTABLE})
    @reconciliations.mapping.post
    def reconcile(self, request: Request, pk: UUID) -> Response:
        """Have the provider asked now for messages and deliveries that we missed; what is found comes in once."""
        channel = self.get_object()
        body = valid(ReconcileSerializer(data=request.data or {}))
        actor = current_actor()
        author = self.member.user if actor.kind == ActorKind.USER else None
        row = backfill.request_backfill(channel=channel, actor=actor, asked_by=author, **body)
        return Response(ReconciliationSerializer(row).data, status=202)


def _values(data: Body) -> Body:
    """The checked body as the services take it."""
    return {"calendar" if name == "calendar_id" else name: value for name, value in data.items()}
