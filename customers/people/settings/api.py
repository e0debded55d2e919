"""What an organization sets for its customers: tags, custom fields, segments."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, Strict
from core.tenancy import current_organization
from customers.models import CustomField, Segment, Tag
from customers.people.api_access import with_relations
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import serializers as customer_serializers
from customers.people.customers.queries import customers_for
from customers.people.filters import parse as filters
from customers.people.segments import services as segments
from customers.people.tags import services as tags

# The contract gives what is set no ETag.
NO_ETAG: frozenset[str] = frozenset()


class TagSerializer(Strict, serializers.ModelSerializer[Tag]):
    name = serializers.CharField(max_length=tags.MAX_LENGTH)
    color = serializers.ChoiceField(choices=tags.COLORS, required=False)

    class Meta:
        model = Tag
        fields = ["id", "name", "color"]
        read_only_fields = ["id"]


class CustomFieldSerializer(Strict, serializers.ModelSerializer[CustomField]):
    key = serializers.CharField(max_length=40, help_text="Small letters, digits, single _ or -; for good.")
    type = serializers.ChoiceField(choices=CustomField.Type.choices)
    choices = serializers.ListField(child=serializers.CharField(max_length=80), required=False, max_length=200)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)

    class Meta:
        model = CustomField
        fields = ["id", "entity", "key", "label", "type", "choices", "is_required", "position", "created_at"]
        read_only_fields = ["id", "created_at"]


class SegmentSerializer(Strict, serializers.ModelSerializer[Segment]):
    filter = serializers.DictField(required=False, help_text="The list's filters, by their names.")
    ordering = serializers.ChoiceField(choices=["", *filters.ORDERINGS], required=False)
    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=30)
    owner = serializers.UUIDField(source="owner_id", read_only=True)

    class Meta:
        model = Segment
        fields = ["id", "name", "filter", "ordering", "columns", "is_shared", "owner", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]


class FieldParameters(ListParameters):
    entity = serializers.ChoiceField(choices=CustomField.Entity.choices, required=False)


@extend_schema_view(
    list=extend_schema(description="The organization's tags, by name."),
    partial_update=extend_schema(description="Another name or colour, wherever the tag is."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Take a tag off everybody, and away."),
)
class TagViewSet(OrganizationViewSet[Tag]):
    permissions = {
        "list": "customers.view", "create": "customers.edit", "retrieve": "customers.view",
        "update": "settings.edit", "partial_update": "settings.edit", "destroy": "settings.edit",
    }  # fmt: skip
    serializer_class = TagSerializer
    refused_fields = {"tags": "name"}
    etag_actions = NO_ETAG
    schema_name, schema_tags = "tags", ["tags"]

    def get_queryset(self) -> QuerySet[Tag]:
        return Tag.objects.order_by("name", "id")

    def perform_create(self, data: Body) -> Tag:
        return tags.create(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: Tag, changes: Body) -> Tag:
        return tags.update(tag=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Tag) -> None:
        tags.delete(tag=instance, actor=current_actor())


@extend_schema_view(
    list=extend_schema(description="The organization's own fields, in order."),
    create=extend_schema(description="A new field; its key, type and entity are for good."),
    retrieve=extend_schema(description="One field."),
    partial_update=extend_schema(description="Label, choices, whether it is required, position."),
    destroy=extend_schema(description="Take a field away; the values come back with a field of the same key."),
)
class CustomFieldViewSet(OrganizationViewSet[CustomField]):
    permissions = {
        "list": "customers.view", "create": "settings.edit", "retrieve": "customers.view",
        "partial_update": "settings.edit", "destroy": "settings.edit",
    }  # fmt: skip
    serializer_class = CustomFieldSerializer
    list_parameters = FieldParameters
    lookups = {"entity": "entity"}
    etag_actions = NO_ETAG
    schema_name, schema_tags = "custom_fields", ["custom-fields"]

    def get_queryset(self) -> QuerySet[CustomField]:
        return CustomField.objects.order_by("entity", "position", "id")

    def perform_create(self, data: Body) -> CustomField:
        return custom_fields.create(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: CustomField, changes: Body) -> CustomField:
        changed = {name: value for name, value in changes.items() if getattr(instance, name) != value}
        return custom_fields.update(field=instance, actor=current_actor(), changes=changed)

    def perform_destroy(self, instance: CustomField) -> None:
        custom_fields.delete(field=instance, actor=current_actor())


@extend_schema_view(
    list=extend_schema(description="One's own segments, and those that are shared, by name."),
    create=extend_schema(description="Save a view of the list."),
    partial_update=extend_schema(description="Change one's own segment; an administrator, a shared one."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Delete one's own segment; an administrator, a shared one."),
)
class SegmentViewSet(OrganizationViewSet[Segment]):
    permissions = {
        "list": "customers.view", "create": "segments.create", "retrieve": "customers.view", "update": "segments.edit",
        "partial_update": "segments.edit", "destroy": "segments.delete", "customers": "customers.view",
    }  # fmt: skip
    serializer_class = SegmentSerializer
    empty = {"filter": {}, "ordering": "", "columns": [], "is_shared": False}
    etag_actions = NO_ETAG
    schema_name, schema_tags = "segments", ["segments"]

    def get_queryset(self) -> QuerySet[Segment]:
        return Segment.objects.visible_to(self.member).order_by("name", "id")

    def perform_create(self, data: Body) -> Segment:
        return segments.create(member=self.member, actor=current_actor(), **data)

    def perform_update(self, instance: Segment, changes: Body) -> Segment:
        return segments.update(segment=instance, member=self.member, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Segment) -> None:
        segments.delete(segment=instance, member=self.member, actor=current_actor())

    @extend_schema(operation_id="segments_customers", responses=customer_serializers.CustomerSerializer(many=True))
    @action(detail=True)
    def customers(self, request: Request, pk: UUID) -> Response:
        """The customers within the caller's own reach that fit the segment."""
        read_parameters(request, ListParameters)
        segment = self.get_object()
        try:
            requested = filters.read(segment.filter)
        except filters.InvalidFilter as error:
            raise invalid("filter", f"The segment’s filter holds no more: {error.field}: {error}") from error
        rows = with_relations(customers_for(self.member, {**requested, "ordering": segment.ordering}))
        return self.answer_list(rows, customer_serializers.CustomerSerializer)
