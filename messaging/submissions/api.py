"""`/webhooks/{channel}`: messages that an authenticated system hands in."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from core.api.errors import Conflict, TooLarge, invalid
from core.text_safety import BoundedJSONParser
from messaging.channels import payloads
from messaging.channels.base import InvalidPayload, Kind
from messaging.channels.fields import encoded
from messaging.channels.generic.payload import parse_inbound
from messaging.inbound_deliveries.store import store
from messaging.intake import routing
from messaging.models import Arrival
from messaging.submissions.serializers import IncomingSerializer, TakenSerializer
from messaging.submissions.website import website

# What stands around the mail itself in a body.
AROUND = 1_000_000


class SubmissionViewSet(OrganizationView):
    # Whoever hands messages in can write in any customer's name: that is for systems, not for every member.
    # Reading a large mail takes seconds, in which no transaction may stand open; what is stored has a key of its own.
    is_done_in_one_transaction = False
    permissions = {"create": "integrations.create"}
    # What can't be stored is cleaned, not refused: nothing inbound is dropped.
    parser_classes = [BoundedJSONParser]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if kwargs.get("channel") == Kind.EMAIL:
            _take_mail(request)

    @extend_schema(
        tags=["webhooks"],
        parameters=[OpenApiParameter("channel", str, OpenApiParameter.PATH, enum=[kind.value for kind in Kind])],
        request=IncomingSerializer,
        responses={
            202: TakenSerializer,
            409: OpenApiResponse(description="There is no channel that this could belong to."),
        },
    )
    def create(self, request: Request, channel: str) -> Response:
        """Hand in a message; the same `message_id` twice is one message. It is worked on after this answer."""
        try:
            received = parse_inbound(request.data, channel=channel)
        except InvalidPayload as error:
            field, _, detail = str(error).partition(": ")
            raise invalid(field, detail or str(error)) from error
        result = routing.channel_of_organization(organization=self.member.organization, kind=channel, to=received.to)
        if result is None and channel == Kind.WEB:
            result = website(organization=self.member.organization)
        if result is None:
            raise Conflict(f"There is no {channel} channel that this could belong to. Set one up first.")
        is_new = store(
            key=f"generic:{self.member.organization_id}:{channel}:{received.provider_message_id}",
            provider=payloads.GENERIC,
            kind=channel,
            arrival_type=Arrival.Type.MESSAGE,
            body=encoded(request.data),
            channel=result,
        )
        answer = {"status": "accepted" if is_new else "duplicate", "message_id": received.provider_message_id}
        return Response(answer, status=status.HTTP_202_ACCEPTED)


def _take_mail(request: Request) -> None:
    """Read a body that may hold a whole mail, in base64: more than Django lets a body have. Raises TooLarge.

    Whose it is and that they may is known by now.
    """
    most = settings.MAIL_MAX_BYTES * 4 // 3 + AROUND
    django_request = request._request
    length = django_request.META.get("CONTENT_LENGTH") or "0"
    content = django_request.read(most + 1) if length.isdecimal() and int(length) <= most else None
    if content is None or len(content) > most:
        raise TooLarge(f"At most {most} bytes: a mail may have {settings.MAIL_MAX_BYTES}.")
    django_request._body = content
