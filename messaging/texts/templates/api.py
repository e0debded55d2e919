"""`/templates`: reusable texts, and how one looks for a customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.models import Team
from activity.actor import current_actor
from core.api.errors import Conflict
from core.api.parameters import ListParameters
from core.api.strict import Body, Strict, valid
from core.tenancy import current_organization
from customers.people.record_serializers import CustomerField
from messaging.channels.base import KIND_CHOICES
from messaging.models import Template
from messaging.texts import rendering
from messaging.texts.templates import services as templates
from messaging.texts.templates.serializers import VariablesField


class TeamField(serializers.UUIDField):
    """A team of the organization, by its id."""

    def to_internal_value(self, data: Any) -> Any:
        row = Team.objects.filter(pk=super().to_internal_value(data)).first()
        if row is None:
            raise serializers.ValidationError("There is no such team.", code="not_found")
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.pk)


class TemplateSerializer(Strict, serializers.ModelSerializer[Template]):
    key = serializers.CharField(max_length=templates.MAX_KEY_LENGTH, required=False, help_text="What rules call it by.")
    channel = serializers.ChoiceField(choices=KIND_CHOICES)
    body = serializers.CharField(
        max_length=templates.MAX_LENGTH["body"],
        help_text="With placeholders: {{ customer.name }}, {{ company|your company }}, {{ custom.<key> }}.",
    )
    content_variables = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=1000), required=False,
        help_text="Of an approved template: the number of each variable, and its text.",
    )  # fmt: skip

    # Of a name that the contract has had since there was one provider.
    content_sid = serializers.CharField(
        source="provider_template_id", max_length=templates.MAX_LENGTH["provider_template_id"], required=False,
        allow_blank=True,
    )  # fmt: skip
    variables = serializers.SerializerMethodField(help_text="What a sender may give values for.")
    team = TeamField(required=False, allow_null=True, help_text="Of one that a team shares.")

    class Meta:
        model = Template
        fields = [
            "id", "key", "name", "channel", "language", "category", "subject", "body", "content_sid",
            "content_variables", "content_status", "content_reason", "variables", "sharing", "team", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "content_status", "content_reason", "created_at", "updated_at"]

    def get_variables(self, template: Template) -> list[str]:
        return rendering.variable_names(template)


class TemplateParameters(ListParameters):
    orderings = ("name", "created_at", "updated_at")

    channel = serializers.ChoiceField(choices=KIND_CHOICES, required=False)
    language = serializers.CharField(max_length=16, required=False)
    q = serializers.CharField(max_length=100, required=False, help_text="Part of the name.")


class PreviewSerializer(Strict):
    customer = CustomerField(help_text="For whom it is filled in.")
    variables = VariablesField()


class RenderedSerializer(serializers.Serializer[object]):
    subject = serializers.CharField()
    body = serializers.CharField()


@extend_schema_view(
    list=extend_schema(description="The organization's templates, by name."),
    create=extend_schema(description="A new template; its placeholders are checked."),
    partial_update=extend_schema(description="Change the fields that are given; the key is for good."),
    destroy=extend_schema(description="Take a template away; what was sent with it stays."),
)
class TemplateViewSet(OrganizationViewSet[Template]):
    permissions = {
        "list": "templates.view", "create": "templates.create", "retrieve": "templates.view",
        "update": "templates.edit", "partial_update": "templates.edit", "destroy": "templates.delete",
        "preview": "templates.view",
    }  # fmt: skip
    serializer_class = TemplateSerializer
    list_parameters = TemplateParameters
    lookups = {"channel": "channel", "language": "language", "q": "name__icontains"}
    missing_detail = "There is no such template."
    empty = {
        "language": "und", "category": "", "subject": "", "provider_template_id": "", "content_variables": {},
        "sharing": "everybody", "team": None,
    }  # fmt: skip
    fixed = {"key": "This can’t be changed: rules call the template by it."}
    # The contract gives a new template no tag.
    etag_actions = OrganizationViewSet.etag_actions - {"create"}
    schema_name, schema_tags = "templates", ["templates"]

    def get_queryset(self) -> QuerySet[Template]:
        return Template.objects.visible_to(self.member).select_related("organization", "team")

    def perform_create(self, data: Body) -> Template:
        return templates.create(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: Template, changes: Body) -> Template:
        return templates.update(template=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Template) -> None:
        templates.delete(template=instance, actor=current_actor())

    @extend_schema(
        operation_id="templates_preview", request=PreviewSerializer,
        responses={
            200: RenderedSerializer, 409: OpenApiResponse(description="A value is empty, and there is no default."),
        },
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: UUID) -> Response:
        """How it looks for a customer, filled in as it would be sent by the caller; nothing is sent."""
        template = self.get_object()
        body = valid(PreviewSerializer(data=request.data, context={"member": self.member}))
        entered = body.get("variables")
        try:
            rendered = rendering.render(
                template=template, customer=body["customer"], agent=self.member.user, variables=entered
            )
        except rendering.InvalidVariable as refused:
            if entered:
                raise
            # Nobody gave it: it is the customer's record that lacks the value.
            raise Conflict(str(refused), code="missing_value") from refused
        return Response(RenderedSerializer(rendered).data)
