"""`/templates`: reusable texts, and how one looks for a customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.models import Team
from activity.actor import current_actor
from core.api.conditional import ConditionalMixin
from core.api.errors import Conflict, invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict
from core.tenancy import current_organization
from customers.work.record_serializers import CustomerField
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


class TemplateListView(OrganizationView):
    permissions_by_method = {"GET": "templates.view", "POST": "templates.create"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["templates"], operation_id="templates_list", parameters=[TemplateParameters],
        responses=TemplateSerializer(many=True),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The organization's templates, by name."""
        requested = read_parameters(request, TemplateParameters)
        rows = Template.objects.visible_to(self.member).order_by(
            requested["ordering"], "-id" if requested["ordering"].startswith("-") else "id"
        )
        for name, path in (("channel", "channel"), ("language", "language"), ("q", "name__icontains")):
            if requested.get(name):
                rows = rows.filter(**{path: requested[name]})
        return paginated(self, rows, lambda page: TemplateSerializer(page, many=True).data)

    @extend_schema(
        tags=["templates"], operation_id="templates_create", request=TemplateSerializer,
        responses={201: TemplateSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A new template; its placeholders are checked."""
        body = TemplateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = templates.create(organization=current_organization(), actor=current_actor(), **body.validated_data)
        return Response(TemplateSerializer(made).data, status=201)


class TemplateView(ConditionalMixin, OrganizationView):
    permissions_by_method = {
        "GET": "templates.view", "PATCH": "templates.edit", "PUT": "templates.edit", "DELETE": "templates.delete",
    }  # fmt: skip

    @extend_schema(tags=["templates"], operation_id="templates_retrieve", responses=TemplateSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One template."""
        return self.tagged(dict(TemplateSerializer(_found(self, pk)).data))

    @extend_schema(
        tags=["templates"], operation_id="templates_update", request=TemplateSerializer(partial=True),
        responses=TemplateSerializer,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change the fields that are given; the key is for good."""
        return self._change(request, pk, partial=True)

    @extend_schema(
        tags=["templates"], operation_id="templates_replace", request=TemplateSerializer, responses=TemplateSerializer
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Set every field; what is not given becomes empty."""
        return self._change(request, pk, partial=False)

    @extend_schema(
        tags=["templates"], operation_id="templates_delete", responses={204: OpenApiResponse(description="Deleted.")}
    )
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take a template away; what was sent with it stays."""
        template = _found(self, pk)
        self.require_match(request, dict(TemplateSerializer(template).data))
        templates.delete(template=template, actor=current_actor())
        return Response(status=204)

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        with transaction.atomic():
            template = _found(self, pk)
            self.require_match(request, dict(TemplateSerializer(template).data))
            body = TemplateSerializer(template, data=request.data, partial=partial)
            body.is_valid(raise_exception=True)
            changes = dict(body.validated_data)
            if changes.pop("key", template.key) != template.key:
                raise invalid("key", "This can’t be changed: rules call the template by it.")
            if not partial:
                empty: dict[str, object] = {
                    "language": "und", "category": "", "subject": "", "provider_template_id": "",
                    "sharing": "everybody", "team": None,
                }  # fmt: skip
                changes = empty | {"content_variables": {}} | changes
            changed = templates.update(template=template, actor=current_actor(), changes=changes)
        return self.tagged(dict(TemplateSerializer(changed).data))


class TemplatePreviewView(OrganizationView):
    permissions_by_method = {"POST": "templates.view"}

    @extend_schema(
        tags=["templates"], operation_id="templates_preview", request=PreviewSerializer,
        responses={
            200: RenderedSerializer, 409: OpenApiResponse(description="A value is empty, and there is no default."),
        },
    )  # fmt: skip
    def post(self, request: Request, pk: UUID) -> Response:
        """How it looks for a customer, filled in as it would be sent by the caller; nothing is sent."""
        template = _found(self, pk)
        body = PreviewSerializer(data=request.data, context={"member": self.member})
        body.is_valid(raise_exception=True)
        customer = body.validated_data["customer"]
        given = body.validated_data.get("variables")
        try:
            context = rendering.render(template=template, customer=customer, agent=self.member.user, variables=given)
        except rendering.InvalidVariable as refused:
            if given:
                raise
            # Nobody gave it: it is the customer's record that lacks the value.
            raise Conflict(str(refused), code="missing_value") from refused
        return Response(RenderedSerializer(context).data)


def _found(view: OrganizationView, pk: UUID) -> Template:
    rows = Template.objects.visible_to(view.member).select_related("organization", "team")
    template = rows.filter(pk=pk).first()
    if template is None:
        raise Http404("There is no such template.")
    return template
