"""`/conversations/{id}/draft`: what the caller has written there and not sent."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict, valid
from messaging.delivery.api_access import resolved
from messaging.inbox import drafts
from messaging.models import Draft
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


@extend_schema_view(
    retrieve=extend_schema(parameters=[DraftParameters]),
    update=extend_schema(
        parameters=[DraftParameters], request=DraftChangeSerializer, responses={200: DraftSerializer, 409: STALE}
    ),
    destroy=extend_schema(description="Throw the draft away.", parameters=[DraftParameters], responses={204: None}),
)
class DraftViewSet(OrganizationViewSet[Draft]):
    permissions = dict.fromkeys(("retrieve", "update", "destroy"), "conversations.edit")
    serializer_class = DraftSerializer
    schema_tags = ["conversations"]

    def get_object(self, *, lock: bool = False) -> Draft:
        conversation = visible_conversation(self, self.kwargs["pk"])
        mode = read_parameters(self.request, DraftParameters)["mode"]
        return (drafts.locked if lock else drafts.draft_of)(conversation, self.member, mode)

    def must_lock(self) -> bool:
        return True

    def retrieve(self, request: Request, **kwargs: object) -> Response:
        """The caller's draft of a mode, `reply` or `note`; `version` 0 where there never was one."""
        return super().retrieve(request, **kwargs)

    def update(self, request: Request, **kwargs: object) -> Response:
        """Keep a text in place of the one that is there. A note has only a body."""
        with self.change() as draft:
            data = resolved(self, {"template": None, **valid(DraftChangeSerializer(data=request.data))})
            if data["template"] is not None and data["template"].is_content:
                raise invalid("template", "An approved template is sent as it is; it has no draft.")
            saved = drafts.save(conversation=draft.conversation, member=self.member, mode=draft.mode, **data)
        return self.answer(saved)

    def perform_destroy(self, instance: Draft) -> None:
        drafts.empty(conversation=instance.conversation, member=self.member, mode=instance.mode)
