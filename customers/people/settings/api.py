"""What an organization sets for its customers: tags, custom fields, segments."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict
from core.tenancy import current_organization
from customers.models import CustomField, Segment, Tag
from customers.people.api_access import valid, with_relations
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import serializers as customer_serializers
from customers.people.customers.queries import customers_for
from customers.people.filters import parse as filters
from customers.people.segments import services as segments
from customers.people.tags import services as tags

GONE = {204: OpenApiResponse(description="Deleted.")}


Record = TypeVar("Record", bound=Model)


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


class TagListView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "customers.edit"}
    refused_fields = {"tags": "name"}
    pagination_class = NumberedPages

    @extend_schema(tags=["tags"], operation_id="tags_list", responses=TagSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The organization's tags, by name."""
        read_parameters(request, ListParameters)
        return paginated(self, Tag.objects.order_by("name", "id"), lambda rows: TagSerializer(rows, many=True).data)

    @extend_schema(tags=["tags"], operation_id="tags_create", request=TagSerializer, responses={201: TagSerializer})
    def post(self, request: Request) -> Response:
        """A new tag."""
        data = valid(TagSerializer(data=request.data))
        tag = tags.create(organization=current_organization(), actor=current_actor(), **data)
        return Response(TagSerializer(tag).data, status=201)


class TagView(OrganizationView):
    permissions_by_method = {
        "GET": "customers.view", "PATCH": "settings.edit", "PUT": "settings.edit", "DELETE": "settings.edit",
    }  # fmt: skip
    refused_fields = {"tags": "name"}

    @extend_schema(tags=["tags"], operation_id="tags_retrieve", responses=TagSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One tag."""
        return Response(TagSerializer(_found(Tag.objects.filter(pk=pk))).data)

    @extend_schema(
        tags=["tags"], operation_id="tags_update", request=TagSerializer(partial=True), responses=TagSerializer
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Another name or colour, wherever the tag is."""
        return self._change(request, pk, partial=True)

    @extend_schema(tags=["tags"], operation_id="tags_replace", request=TagSerializer, responses=TagSerializer)
    def put(self, request: Request, pk: UUID) -> Response:
        """The same, with every field."""
        return self._change(request, pk, partial=False)

    @extend_schema(tags=["tags"], operation_id="tags_delete", responses=GONE)
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take a tag off everybody, and away."""
        tags.delete(tag=_found(Tag.objects.filter(pk=pk)), actor=current_actor())
        return Response(status=204)

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        tag = _found(Tag.objects.filter(pk=pk))
        data = valid(TagSerializer(tag, data=request.data, partial=partial))
        changed = tags.update(tag=tag, actor=current_actor(), changes=data)
        return Response(TagSerializer(changed).data)


class CustomFieldListView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "settings.edit"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["custom-fields"],
        operation_id="custom_fields_list",
        parameters=[FieldParameters],
        responses=CustomFieldSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The organization's own fields, in order."""
        requested = read_parameters(request, FieldParameters)
        rows = CustomField.objects.order_by("entity", "position", "id")
        rows = rows.filter(entity=requested["entity"]) if requested.get("entity") else rows
        return paginated(self, rows, lambda page: CustomFieldSerializer(page, many=True).data)

    @extend_schema(
        tags=["custom-fields"],
        operation_id="custom_fields_create",
        request=CustomFieldSerializer,
        responses={201: CustomFieldSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new field; its key, type and entity are for good."""
        data = valid(CustomFieldSerializer(data=request.data))
        field = custom_fields.create(organization=current_organization(), actor=current_actor(), **data)
        return Response(CustomFieldSerializer(field).data, status=201)


class CustomFieldView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "PATCH": "settings.edit", "DELETE": "settings.edit"}

    @extend_schema(tags=["custom-fields"], operation_id="custom_fields_retrieve", responses=CustomFieldSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One field."""
        return Response(CustomFieldSerializer(_found(CustomField.objects.filter(pk=pk))).data)

    @extend_schema(
        tags=["custom-fields"],
        operation_id="custom_fields_update",
        request=CustomFieldSerializer(partial=True),
        responses=CustomFieldSerializer,
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Label, choices, whether it is required, position."""
        field = _found(CustomField.objects.filter(pk=pk))
        data = valid(CustomFieldSerializer(field, data=request.data, partial=True))
        changes = {name: value for name, value in data.items() if getattr(field, name) != value}
        changed = custom_fields.update(field=field, actor=current_actor(), changes=changes)
        return Response(CustomFieldSerializer(changed).data)

    @extend_schema(tags=["custom-fields"], operation_id="custom_fields_delete", responses=GONE)
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take a field away; the values come back with a field of the same key."""
        custom_fields.delete(field=_found(CustomField.objects.filter(pk=pk)), actor=current_actor())
        return Response(status=204)


class SegmentListView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "segments.create"}
    pagination_class = NumberedPages

    @extend_schema(tags=["segments"], operation_id="segments_list", responses=SegmentSerializer(many=True))
    def get(self, request: Request) -> Response:
        """One's own segments, and those that are shared, by name."""
        read_parameters(request, ListParameters)
        rows = Segment.objects.visible_to(self.member).order_by("name", "id")
        return paginated(self, rows, lambda page: SegmentSerializer(page, many=True).data)

    @extend_schema(
        tags=["segments"], operation_id="segments_create", request=SegmentSerializer, responses={201: SegmentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Save a view of the list."""
        data = valid(SegmentSerializer(data=request.data))
        segment = segments.create(member=self.member, actor=current_actor(), **data)
        return Response(SegmentSerializer(segment).data, status=201)


class SegmentView(OrganizationView):
    permissions_by_method = {
        "GET": "customers.view", "PATCH": "segments.edit", "PUT": "segments.edit", "DELETE": "segments.delete",
    }  # fmt: skip

    @extend_schema(tags=["segments"], operation_id="segments_retrieve", responses=SegmentSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One segment."""
        return Response(SegmentSerializer(self._find(pk)).data)

    @extend_schema(
        tags=["segments"],
        operation_id="segments_update",
        request=SegmentSerializer(partial=True),
        responses=SegmentSerializer,
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change one's own segment; an administrator, a shared one."""
        return self._change(request, pk, partial=True)

    @extend_schema(
        tags=["segments"], operation_id="segments_replace", request=SegmentSerializer, responses=SegmentSerializer
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """The same, with every field."""
        return self._change(request, pk, partial=False)

    @extend_schema(tags=["segments"], operation_id="segments_delete", responses=GONE)
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete one's own segment; an administrator, a shared one."""
        segments.delete(segment=self._find(pk), member=self.member, actor=current_actor())
        return Response(status=204)

    def _find(self, pk: UUID) -> Segment:
        return _found(Segment.objects.visible_to(self.member).filter(pk=pk))

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        segment = self._find(pk)
        data = dict(valid(SegmentSerializer(segment, data=request.data, partial=partial)))
        if not partial:
            data = {"filter": {}, "ordering": "", "columns": [], "is_shared": False} | data
        changed = segments.update(segment=segment, member=self.member, actor=current_actor(), changes=data)
        return Response(SegmentSerializer(changed).data)


class SegmentCustomersView(OrganizationView):
    permissions_by_method = {"GET": "customers.view"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["segments"],
        operation_id="segments_customers",
        responses=customer_serializers.CustomerSerializer(many=True),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The customers within the caller's own reach that fit the segment."""
        read_parameters(request, ListParameters)
        segment = _found(Segment.objects.visible_to(self.member).filter(pk=pk))
        try:
            requested = filters.read(segment.filter)
        except filters.InvalidFilter as error:
            raise invalid("filter", f"The segment’s filter holds no more: {error.field}: {error}") from error
        rows = with_relations(customers_for(self.member, {**requested, "ordering": segment.ordering}))
        return paginated(self, rows, lambda page: customer_serializers.CustomerSerializer(page, many=True).data)


def _found(rows: QuerySet[Record]) -> Record:
    row = rows.first()
    if row is None:
        raise Http404("There is no such record.")
    return row
