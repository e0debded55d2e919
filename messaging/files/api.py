"""`/media`: files to be sent. `/attachments`: files of messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.strict import valid
from messaging.channels.base import Capabilities
from messaging.files import services as media
from messaging.files.serializers import MediaSerializer, NewMediaSerializer
from messaging.files.serving import respond
from messaging.models import Attachment, Channel, Message


class MediaViewSet(OrganizationView):
    permissions = {"create": "conversations.edit"}
    parser_classes = [MultiPartParser]
    refused_fields = {"attachments": "file"}

    @extend_schema(
        tags=["media"],
        request={"multipart/form-data": NewMediaSerializer},
        responses={201: MediaSerializer},
    )
    def create(self, request: Request) -> Response:
        """Take a file that is to be sent; its id goes into a message's `attachments` within a day."""
        body = valid(NewMediaSerializer(data=request.data))
        file, kind = body["file"], body.get("channel", "")
        content_type = file.content_type or "application/octet-stream"
        if (capabilities := _capabilities(kind)) is not None:
            media.require_sendable(capabilities, name=file.name, content_type=content_type, size=file.size)
        elif file.size > settings.MEDIA_MAX_BYTES:
            raise media.InvalidUpload(f"A file may have {settings.MEDIA_MAX_BYTES // 1_000_000} MB at most.")
        stored = media.store(
            organization=self.member.organization,
            content=file,
            name=file.name,
            content_type=content_type,
            size=file.size,
            actor=current_actor(),
        )
        return Response(MediaSerializer(stored).data, status=status.HTTP_201_CREATED)


def _capabilities(kind: str) -> Capabilities | None:
    """What the organization's own channel of that kind takes; None where there is no such channel."""
    channel = Channel.objects.filter(kind=kind).order_by("-is_enabled", "created_at").first() if kind else None
    return channel.capabilities if channel is not None else None


class AttachmentViewSet(OrganizationView):
    permissions = {"retrieve": "conversations.view"}
    lookup_value_converter = "uuid"

    @extend_schema(
        tags=["media"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 404: OpenApiResponse(description="None.")},
    )
    def retrieve(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The file of a message; 404 while it is not fetched yet."""
        visible = Message.objects.visible_to(self.member)
        row = Attachment.objects.select_related("file").filter(pk=pk, message__in=visible).first()
        if row is None or row.file is None:
            raise Http404("There is no such file here (yet).")
        return respond(row.file)
