"""`/customers`, and `/leads`, which is the same under the name that sales staff use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.permissions import Reach
from activity.actor import current_actor
from core.api.conditional import ConditionalMixin
from core.api.pages import NumberedPages, paginated
from customers.data.deletion.api import DeleteMixin
from customers.models import Customer
from customers.people.api_access import MOVING, read_filters, valid, visible_customer, with_relations
from customers.people.customers import serializers, stage_moves
from customers.people.customers import services as customers
from customers.people.customers.queries import customers_for
from customers.people.tags import services as tags

DUPLICATE = OpenApiResponse(description="The phone or e-mail belongs to another customer, who is named.")


def represent(customer: Customer) -> dict[str, object]:
    return dict(serializers.CustomerSerializer(customer).data)


class CustomerListView(ConditionalMixin, OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "customers.create"}
    pagination_class = NumberedPages
    etag_leaves_out = MOVING

    @extend_schema(
        tags=["customers"],
        parameters=[serializers.CustomerParameters],
        responses=serializers.CustomerSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Customers within reach, newest first; `custom.<key>=` filters by a custom field."""
        rows = with_relations(customers_for(self.member, read_filters(request)))
        return paginated(self, rows, self._serialize)

    @extend_schema(
        tags=["customers"],
        request=serializers.CustomerSerializer,
        responses={201: serializers.CustomerSerializer, 409: DUPLICATE},
    )
    def post(self, request: Request) -> Response:
        """A new customer with the next code."""
        data = valid(serializers.CustomerSerializer(data=request.data, context={"member": self.member}))
        if self.member.reach == Reach.ASSIGNED:
            # Else who made it would not see it.
            data.setdefault("assigned_to", self.member.user)
        own_fields = data.pop("custom_fields", {})
        customer = customers.create(
            organization=self.member.organization, actor=current_actor(), own_fields=own_fields, **data
        )
        return self.tagged(represent(customer), status.HTTP_201_CREATED)

    def _serialize(self, rows: Sequence[Customer]) -> object:
        return serializers.CustomerSerializer(rows, many=True).data


class CustomerSearchView(OrganizationView):
    permissions_by_method = {"GET": "customers.view"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["customers"],
        parameters=[serializers.CustomerParameters],
        responses=serializers.CustomerSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The same list."""
        rows = with_relations(customers_for(self.member, read_filters(request)))
        return paginated(self, rows, lambda page: serializers.CustomerSerializer(page, many=True).data)


class CustomerView(DeleteMixin, ConditionalMixin, OrganizationView):
    permissions_by_method = {
        "GET": "customers.view", "PATCH": "customers.edit", "PUT": "customers.edit", "DELETE": "customers.delete",
    }  # fmt: skip
    # A message that arrives is nobody's conflict.
    etag_leaves_out = MOVING

    @extend_schema(tags=["customers"], responses=serializers.CustomerSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One customer."""
        return self.tagged(represent(visible_customer(self, pk)))

    @extend_schema(
        tags=["customers"],
        request=serializers.CustomerSerializer(partial=True),
        responses={200: serializers.CustomerSerializer, 409: DUPLICATE},
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change the fields that are given, all or none."""
        return self._change(request, pk, partial=True)

    @extend_schema(
        tags=["customers"],
        request=serializers.CustomerSerializer,
        responses={200: serializers.CustomerSerializer, 409: DUPLICATE},
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Set every field: what is not given becomes empty."""
        return self._change(request, pk, partial=False)

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        with transaction.atomic():
            customer = _unchanged(self, request, pk)
            serializer = serializers.CustomerSerializer(
                customer, data=request.data, partial=partial, context={"member": self.member}
            )
            fields = dict(valid(serializer))
            change(customer, fields if partial else _whole(customer, fields))
            # Whoever gives a customer away sees what they did, though it may be out of their reach from now on.
            changed = with_relations(Customer.objects.all()).get(pk=pk)
        return self.tagged(represent(changed))


class StageView(ConditionalMixin, OrganizationView):
    permissions_by_method = {"POST": "customers.edit", "PATCH": "customers.edit"}
    etag_leaves_out = MOVING

    @extend_schema(
        tags=["customers"], request=serializers.StageMoveSerializer, responses=serializers.CustomerSerializer
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Move to a stage; where the customer stands there already nothing is written."""
        with transaction.atomic():
            customer = _unchanged(self, request, pk)
            data = valid(serializers.StageMoveSerializer(data=request.data))
            stage_moves.move(customer=customer, stage=data["stage"], reason=data["reason"], actor=current_actor())
        return self.tagged(represent(customer))

    @extend_schema(
        tags=["customers"], request=serializers.StageMoveSerializer, responses=serializers.CustomerSerializer
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """The same as POST."""
        return self.post(request, pk)


class AssignView(ConditionalMixin, OrganizationView):
    permissions_by_method = {"POST": "customers.edit", "PATCH": "customers.edit"}
    etag_leaves_out = MOVING

    @extend_schema(tags=["customers"], request=serializers.AssignSerializer, responses=serializers.CustomerSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Give the customer an owner, or none."""
        with transaction.atomic():
            customer = _unchanged(self, request, pk)
            data = valid(serializers.AssignSerializer(data=request.data, context={"member": self.member}))
            customers.assign(customer=customer, owner=data["assigned_to"], actor=current_actor())
        return self.tagged(represent(customer))

    @extend_schema(tags=["customers"], request=serializers.AssignSerializer, responses=serializers.CustomerSerializer)
    def patch(self, request: Request, pk: UUID) -> Response:
        """The same as POST."""
        return self.post(request, pk)


class TagsAddView(OrganizationView):
    permissions_by_method = {"POST": "customers.edit"}

    @extend_schema(tags=["customers"], request=serializers.TagsSerializer, responses=serializers.CustomerSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Add tags; those that are there already stay as they are."""
        customer = visible_customer(self, pk)
        names = valid(serializers.TagsSerializer(data=request.data))["names"]
        tags.add(customer=customer, names=names, actor=current_actor())
        return Response(represent(visible_customer(self, pk)))


class TagsRemoveView(OrganizationView):
    permissions_by_method = {"POST": "customers.edit"}

    @extend_schema(tags=["customers"], request=serializers.TagsSerializer, responses=serializers.CustomerSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Remove tags; those that are not there are no error."""
        customer = visible_customer(self, pk)
        names = valid(serializers.TagsSerializer(data=request.data))["names"]
        tags.remove(customer=customer, names=names, actor=current_actor())
        return Response(represent(visible_customer(self, pk)))


def _unchanged(view: Any, request: Request, pk: UUID) -> Customer:
    """The customer, locked, as the caller read them. Raises PreconditionFailed."""
    customer = visible_customer(view, pk, lock=True)
    view.require_match(request, represent(customer))
    return customer


def change(customer: Customer, fields: dict[str, Any]) -> None:
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
        wanted = fields.pop("tags")
        kept = {name.casefold() for name in wanted}
        tags.add(customer=customer, names=wanted, actor=actor)
        gone = [tag.name for tag in customer.tags.all() if tag.name.casefold() not in kept]
        tags.remove(customer=customer, names=gone, actor=actor)
    if "address" in fields:
        fields["address"] = {**customer.address, **fields["address"]}
    if fields:
        customers.update(customer=customer, actor=actor, changes=fields)


def _whole(customer: Customer, given: dict[str, Any]) -> dict[str, object]:
    """A PUT: every field that can be set, empty where it was not given; stage, status and type stay."""
    empty: dict[str, object] = {
        "email": "", "phone": "", "company": "", "source": "", "language": "", "notes": "", "assigned_to": None,
        "next_follow_up_at": None, "tags": [], "do_not_contact": False,
    }  # fmt: skip
    fields = empty | given
    parts = ("street", "city", "state", "country", "postal_code")
    fields["address"] = (
        dict.fromkeys(parts, "") | given.get("address", {}) if customer.address else given.get("address", {})
    )
    fields["custom_fields"] = dict.fromkeys(customer.custom_fields) | given.get("custom_fields", {})
    return fields
