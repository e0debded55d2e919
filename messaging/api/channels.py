"""`/channels`: accounts that messages go through."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.access import OrganizationView
from activity.actor import current_actor
from core.api.errors import Conflict, invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from messaging.api import serializers
from messaging.models import Channel
from messaging.services import channels

IN_USE = OpenApiResponse(description="The channel has conversations.")


class ChannelListView(OrganizationView):
    permissions_by_method = {"GET": "channels.view", "POST": "channels.create"}
    pagination_class = NumberedPages

    @extend_schema(tags=["channels"], responses=serializers.ChannelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The organization's channels."""
        read_parameters(request, ListParameters)
        return paginated(
            self,
            Channel.objects.order_by("created_at", "id"),
            lambda page: serializers.ChannelSerializer(page, many=True).data,
        )

    @extend_schema(
        tags=["channels"], request=serializers.ChannelSerializer, responses={201: serializers.ChannelSerializer}
    )
    def post(self, request: Request) -> Response:
        """Set up a channel."""
        serializer = serializers.ChannelSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            channel = channels.create(
                organization=self.member.organization, actor=current_actor(), **serializer.validated_data
            )
        except channels.InvalidChannel as error:
            raise invalid(error.field, str(error)) from error
        return Response(serializers.ChannelSerializer(channel).data, status=status.HTTP_201_CREATED)


class ChannelView(OrganizationView):
    permissions_by_method = {"GET": "channels.view", "PATCH": "channels.edit", "DELETE": "channels.delete"}

    @extend_schema(tags=["channels"], responses=serializers.ChannelSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One channel."""
        return Response(serializers.ChannelSerializer(_channel(pk)).data)

    @extend_schema(
        tags=["channels"],
        request=serializers.ChannelSerializer(partial=True),
        responses={200: serializers.ChannelSerializer},
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change a channel; kind and provider stay what they are."""
        channel = _channel(pk)
        serializer = serializers.ChannelSerializer(channel, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = dict(serializer.validated_data)
        for field in ("kind", "provider"):
            if changes.pop(field, getattr(channel, field)) != getattr(channel, field):
                raise invalid(field, "A channel keeps its kind and provider. Set up another one.")
        try:
            channels.update(channel=channel, actor=current_actor(), changes=changes)
        except channels.InvalidChannel as error:
            raise invalid(error.field, str(error)) from error
        return Response(serializers.ChannelSerializer(channel).data)

    @extend_schema(tags=["channels"], responses={204: None, 409: IN_USE})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Remove a channel that nothing was ever said on."""
        try:
            channels.delete(channel=_channel(pk), actor=current_actor())
        except channels.ChannelInUse as error:
            raise Conflict(str(error)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChannelCheckView(OrganizationView):
    permissions_by_method = {"POST": "channels.edit"}
    # It waits for the provider.
    is_done_in_one_transaction = False

    @extend_schema(tags=["channels"], request=None, responses=serializers.CheckSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Try the account without sending anything, and say what is wrong."""
        problems = channels.check(_channel(pk))
        return Response(serializers.CheckSerializer({"is_ok": not problems, "problems": problems}).data)


def _channel(pk: UUID) -> Channel:
    found = Channel.objects.select_related("organization").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such channel.")
    return found
