"""`/customers`, and `/leads`, which is the same under the name that sales staff use."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers as drf
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.permissions import Reach
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, valid
from core.lookups import first_or_404
from customers.data.deletion import services as deletion
from customers.data.exports.api import ExportActions
from customers.data.merging.api import MergeActions
from customers.data.personal_data.api import PersonalDataActions
from customers.models import Customer
from customers.page.timeline.api import TimelineActions
from customers.people.api_access import MOVING, read_filters, visible_customer, with_relations
from customers.people.customers import serializers, stage_moves
from customers.people.customers import services as customers
from customers.people.customers.queries import customers_for
from customers.people.fields import FIELDS, Kind, of_kind
from customers.people.tags import services as tags
from customers.work.follow_ups.api import FollowUpActions

# Kinds whose value stays where a PUT does not name it.
UNCHANGED_KINDS = frozenset({Kind.NAME, Kind.CHOICE, Kind.STAGE})
DUPLICATE = OpenApiResponse(description="The phone or e-mail belongs to another customer, who is named.")
HELD = OpenApiResponse(description="Open deals or queued messages, which are named.")
NOT_RESTORABLE = OpenApiResponse(description="Merged, erased, or deleted more than 30 days ago.")


class DeleteParameters(ListParameters):
    force = drf.BooleanField(
        required=False, default=False, help_text="Cancel what holds: open deals are lost, queued messages don’t go out."
    )


@extend_schema_view(
    list=extend_schema(description="Customers within reach, newest first; `custom.<key>=` filters by a custom field."),
    create=extend_schema(
        description="A new customer with the next code.",
        responses={201: serializers.CustomerSerializer, 409: DUPLICATE},
    ),
    partial_update=extend_schema(
        description="Change the fields that are given, all or none.",
        responses={200: serializers.CustomerSerializer, 409: DUPLICATE},
    ),
    update=extend_schema(responses={200: serializers.CustomerSerializer, 409: DUPLICATE}),
)
class CustomerViewSet(ExportActions, FollowUpActions, MergeActions, PersonalDataActions, TimelineActions):
    permissions = {
        "list": "customers.view", "create": "customers.create", "retrieve": "customers.view",
        "update": "customers.edit", "partial_update": "customers.edit", "destroy": "customers.delete",
        **dict.fromkeys(("search", "history", "timeline", "followups"), "customers.view"),
        **dict.fromkeys(("assign", "stage", "status", "tags_add", "tags_remove"), "customers.edit"),
        **dict.fromkeys(("set_follow_up", "merge", "bulk"), "customers.edit"),
        **dict.fromkeys(("export", "export_personal_data", "download_personal_data"), "customers.export"),
        **dict.fromkeys(("restore", "erase_personal_data"), "customers.delete"),
    }  # fmt: skip
    serializer_class = serializers.CustomerSerializer
    list_parameters = serializers.CustomerParameters
    etag_actions = OrganizationViewSet.etag_actions | {"assign", "stage", "status"}
    # A message that arrives is nobody's conflict.
    etag_leaves_out = MOVING
    schema_tags = ["customers"]

    def get_queryset(self) -> QuerySet[Customer]:
        return with_relations(Customer.objects.visible_to(self.member))

    def get_filters(self) -> Body:
        return read_filters(self.request)

    def filter_rows(self, rows: QuerySet[Customer], filters: Body) -> QuerySet[Customer]:
        # It begins with the member's reach itself, as the pages' lists do.
        return with_relations(customers_for(self.member, filters))

    def get_object(self, *, lock: bool = False) -> Customer:
        return visible_customer(self, self.kwargs["pk"], lock=lock)

    def must_lock(self) -> bool:
        # A change is spread over several services.
        return True

    def perform_create(self, data: Body) -> Customer:
        if self.member.reach == Reach.ASSIGNED:
            # Else who made it would not see it.
            data.setdefault("assigned_to", self.member.user)
        own_fields = data.pop("custom_fields", {})
        return customers.create(
            organization=self.member.organization, actor=current_actor(), own_fields=own_fields, **data
        )

    def perform_update(self, instance: Customer, changes: Body) -> Customer:
        change(instance, changes)
        # Whoever gives a customer away sees what they did, though it may be out of their reach from now on.
        return with_relations(Customer.objects.all()).get(pk=instance.pk)

    def replacement(self, instance: Customer, body: Body) -> Body:
        return _whole(instance, body)

    @extend_schema(parameters=[DeleteParameters], responses={204: None, 409: HELD})
    def destroy(self, request: Request, **kwargs: object) -> Response:
        """Hide the customer; restorable for 30 days."""
        force = read_parameters(request, DeleteParameters)["force"]
        with transaction.atomic():
            customer = _locked(Customer.objects.visible_to(self.member), self.kwargs["pk"])
            if self.has_condition:
                self.require_match(request, self.represent(customer))
            deletion.delete(customer=customer, actor=current_actor(), force=force)
        return Response(status=204)

    @extend_schema(request=None, responses={200: serializers.CustomerSerializer, 409: NOT_RESTORABLE})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: UUID) -> Response:
        """Show a deleted customer again, with everything of theirs."""
        read_parameters(request, ListParameters)
        with transaction.atomic():
            customer = _locked(Customer.objects.within_reach_of(self.member), pk)
            deletion.restore(customer=customer, actor=current_actor())
        return self.answer(customer)

    @extend_schema(parameters=[serializers.CustomerParameters], responses=serializers.CustomerSerializer(many=True))
    @action(detail=False)
    def search(self, request: Request) -> Response:
        """The same list."""
        return self.list(request)

    @extend_schema(request=serializers.StageMoveSerializer, responses=serializers.CustomerSerializer)
    @action(detail=True, methods=["post", "patch"])
    def stage(self, request: Request, pk: UUID) -> Response:
        """Move to a stage; where the customer stands there already nothing is written."""
        return self._move()

    @extend_schema(request=serializers.StageMoveSerializer, responses=serializers.CustomerSerializer)
    @action(detail=True, methods=["post", "patch"])
    def status(self, request: Request, pk: UUID) -> Response:
        """Move to a stage; where the customer stands there already nothing is written."""
        return self._move()

    @extend_schema(request=serializers.AssignSerializer, responses=serializers.CustomerSerializer)
    @action(detail=True, methods=["post", "patch"])
    def assign(self, request: Request, pk: UUID) -> Response:
        """Give the customer an owner, or none."""
        with self.change() as customer:
            data = valid(serializers.AssignSerializer(data=request.data, context={"member": self.member}))
            customers.assign(customer=customer, owner=data["assigned_to"], actor=current_actor())
        return self.answer(customer)

    @extend_schema(request=serializers.TagsSerializer, responses=serializers.CustomerSerializer)
    @action(detail=True, methods=["post"], url_path="tags/add", url_name="tags-add")
    def tags_add(self, request: Request, pk: UUID) -> Response:
        """Add tags; those that are there already stay as they are."""
        customer = self.get_object()
        names = valid(serializers.TagsSerializer(data=request.data))["names"]
        tags.add(customer=customer, names=names, actor=current_actor())
        return self.answer(self.get_object())

    @extend_schema(request=serializers.TagsSerializer, responses=serializers.CustomerSerializer)
    @action(detail=True, methods=["post"], url_path="tags/remove", url_name="tags-remove")
    def tags_remove(self, request: Request, pk: UUID) -> Response:
        """Remove tags; those that are not there are no error."""
        customer = self.get_object()
        names = valid(serializers.TagsSerializer(data=request.data))["names"]
        tags.remove(customer=customer, names=names, actor=current_actor())
        return self.answer(self.get_object())

    def _move(self) -> Response:
        with self.change() as customer:
            data = valid(serializers.StageMoveSerializer(data=self.request.data))
            stage_moves.move(customer=customer, stage=data["stage"], reason=data["reason"], actor=current_actor())
        return self.answer(customer)


def _locked(rows: QuerySet[Customer], pk: UUID) -> Customer:
    """The customer, kept until the transaction ends. Raises Http404, whoever's it is."""
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("organization", "stage", "assigned_to")
    return first_or_404(locked.filter(pk=pk), "There is no such customer.")


def change(customer: Customer, fields: Body) -> None:
    """Spread a PATCH over the services that each own a field."""
    actor = current_actor()
    fields.pop("allow_duplicate", None)
    if "stage" in fields:
        stage_moves.move(customer=customer, stage=fields.pop("stage"), actor=actor)
    if "assigned_to" in fields:
        customers.assign(customer=customer, owner=fields.pop("assigned_to"), actor=actor)
    if "next_follow_up_at" in fields:
        customers.set_follow_up(customer=customer, at=fields.pop("next_follow_up_at"), actor=actor)
    if "tags" in fields:
        requested = fields.pop("tags")
        remaining = {name.casefold() for name in requested}
        tags.add(customer=customer, names=requested, actor=actor)
        removed = [tag.name for tag in customer.tags.all() if tag.name.casefold() not in remaining]
        tags.remove(customer=customer, names=removed, actor=actor)
    if "address" in fields:
        fields["address"] = {**customer.address, **fields["address"]}
    if fields:
        customers.update(customer=customer, actor=actor, changes=fields)


def _whole(customer: Customer, body: Body) -> dict[str, object]:
    """A PUT: every field that can be set, empty where it was not given; stage, status and type stay."""
    empty = {
        one.name: one.empty
        for one in FIELDS
        if one.is_writable and not one.stored_in and one.kind not in UNCHANGED_KINDS
    }
    fields: Body = empty | body
    if customer.address:
        fields["address"] = {place.name: place.empty for place in of_kind(Kind.PLACE)} | fields["address"]
    fields["custom_fields"] = dict.fromkeys(customer.custom_fields) | body.get("custom_fields", {})
    return fields
