"""`/conversations/{id}/draft`: what the caller has written there and not sent."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from core.api.conditional import ConditionalMixin
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict, valid
from messaging.delivery.api_access import resolved
from messaging.inbox import drafts
from messaging.models import Conversation, Draft
from messaging.threads.api_access import visible_conversation

STALE = OpenApiResponse(description="The draft was saved, sent or thrown away since that `version`.")


class DraftParameters(ListParameters):
    mode = serializers.ChoiceField(choices=Draft.Mode.choices)


class DraftSerializer(serializers.ModelSerializer[Draft]):
    class Meta:
        model = Draft
        fields = ["mode", "body", "subject", "cc", "template", "version", "updated_at"]
        read_only_fields = fields


class DraftChangeSerializer(Strict):
    body = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=drafts.MAX_LENGTH)
    subject = serializers.CharField(allow_blank=True, required=False, default="", max_length=255)
    cc = serializers.CharField(
        allow_blank=True, required=False, default="", max_length=2000, help_text="Addresses, with commas."
    )
    template = serializers.UUIDField(required=False, allow_null=True, help_text="The template that the text came from.")
    version = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2_000_000_000,
        help_text="That of the draft which you read (0: none yet); 409 where it is another by now.",
    )


class DraftView(ConditionalMixin, OrganizationView):
    permissions_by_method = {"GET": "conversations.edit", "PUT": "conversations.edit", "DELETE": "conversations.edit"}

    @extend_schema(tags=["conversations"], parameters=[DraftParameters], responses=DraftSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """The caller's draft of a mode, `reply` or `note`; `version` 0 where there never was one."""
        conversation, mode = self._asked(request, pk)
        return self.tagged(DraftSerializer(drafts.draft_of(conversation, self.member, mode)).data)

    @extend_schema(
        tags=["conversations"],
        parameters=[DraftParameters],
        request=DraftChangeSerializer,
        responses={200: DraftSerializer, 409: STALE},
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Keep a text in place of the one that is there. A note has only a body."""
        conversation, mode = self._asked(request, pk)
        data = resolved(self, {"template": None, **valid(DraftChangeSerializer(data=request.data))})
        if data["template"] is not None and data["template"].is_content:
            raise invalid("template", "An approved template is sent as it is; it has no draft.")
        with transaction.atomic():
            self.require_match(request, DraftSerializer(drafts.locked(conversation, self.member, mode)).data)
            saved = drafts.save(conversation=conversation, member=self.member, mode=mode, **data)
        return self.tagged(DraftSerializer(saved).data)

    @extend_schema(tags=["conversations"], parameters=[DraftParameters], responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Throw the draft away."""
        conversation, mode = self._asked(request, pk)
        with transaction.atomic():
            self.require_match(request, DraftSerializer(drafts.locked(conversation, self.member, mode)).data)
            drafts.empty(conversation=conversation, member=self.member, mode=mode)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _asked(self, request: Request, pk: UUID) -> tuple[Conversation, str]:
        conversation = visible_conversation(self, pk)
        mode: str = read_parameters(request, DraftParameters)["mode"]
        return conversation, mode
