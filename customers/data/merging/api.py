"""Duplicates and merging, changing many at once, and the way back from both."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet, permissions_of
from accounts.jobs.api import StartedSerializer, started
from accounts.models import APIKey
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.strict import Strict, valid
from customers.data import undo
from customers.data.bulk import services as bulk
from customers.data.bulk.actions import ACTIONS
from customers.data.merging import duplicates
from customers.data.merging import services as merging
from customers.models import ChangeSet, Customer, DuplicatePair
from customers.people.api_access import visible_customer
from customers.people.customers.queries import duplicates_for
from customers.people.customers.serializers import CustomerSerializer

NOT_ANY_MORE = OpenApiResponse(description="Undone already, or more than 30 days ago.")


class SideSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    company = serializers.CharField()


class DuplicatePairSerializer(serializers.ModelSerializer[DuplicatePair]):
    customers = serializers.SerializerMethodField()
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=["phone", "email", "name_and_company", "name_and_address"])
    )

    class Meta:
        model = DuplicatePair
        fields = ["id", "customers", "reasons", "score", "created_at"]

    def get_customers(self, pair: DuplicatePair) -> SideSerializer(many=True):  # type: ignore[valid-type]
        return SideSerializer([pair.first, pair.second], many=True).data


class MergeSerializer(Strict):
    into = serializers.UUIDField(help_text="The customer that stays.")
    choose = serializers.DictField(
        child=serializers.ChoiceField(choices=["into", "from"]),
        required=False,
        help_text="For a field (or custom.<key>) whose value stays; who stays keeps theirs unless they have none.",
    )


class MergedSerializer(serializers.Serializer[object]):
    customer = CustomerSerializer()
    change_set = serializers.UUIDField(help_text="For POST /change-sets/{id}/undo.")


class BulkSerializer(Strict):
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=bulk.MAX_IDS)
    filter = serializers.DictField(required=False, help_text="The list's filters.")
    action = serializers.ChoiceField(choices=ACTIONS.names())
    params = serializers.DictField(
        required=False,
        default=dict,
        help_text="assign: assigned_to; stage: stage, and a reason if you like; status: status; tag_…: tag; "
        "enrol: sequence.",
    )


class ChangeSetSerializer(serializers.ModelSerializer[ChangeSet]):
    can_be_undone = serializers.BooleanField(read_only=True)

    class Meta:
        model = ChangeSet
        fields = ["id", "kind", "summary", "actor_label", "created_at", "undone_at", "can_be_undone"]


@extend_schema_view(list=extend_schema(description="Pairs that are likely one, with the reasons, likeliest first."))
class DuplicateViewSet(OrganizationViewSet[DuplicatePair]):
    permissions = {"list": "customers.view", "dismiss": "customers.edit"}
    serializer_class = DuplicatePairSerializer
    missing_detail = "There is no such pair."
    schema_tags = ["customers"]

    def get_queryset(self) -> QuerySet[DuplicatePair]:
        return duplicates_for(self.member).order_by("-score", "-id")

    @extend_schema(
        request=None, responses={204: OpenApiResponse(description="They are two, and are not proposed again.")}
    )
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: UUID) -> Response:
        """Say that a pair are two."""
        duplicates.dismiss(pair=self.get_object(), actor=current_actor())
        return Response(status=204)


class MergeActions(OrganizationViewSet[Customer]):
    """What merging and bulk changes add to `/customers`."""

    @extend_schema(request=MergeSerializer, responses=MergedSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: UUID) -> Response:
        """Move everything of this customer into another, who has both codes from then on."""
        loser = visible_customer(self, pk)
        data = valid(MergeSerializer(data=request.data))
        try:
            survivor = visible_customer(self, data["into"])
        except NotFound as error:
            raise invalid("into", "There is no such customer.") from error
        change_set = merging.merge(loser=loser, survivor=survivor, actor=current_actor(), chosen=data.get("choose", {}))
        merged = {"customer": visible_customer(self, survivor.pk), "change_set": change_set.pk}
        return Response(MergedSerializer(merged).data)

    @extend_schema(request=BulkSerializer, responses={202: StartedSerializer})
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Change many: those with the ids, or all that fit a filter. The job's result has a `change_set` to undo."""
        data = valid(BulkSerializer(data=request.data))
        needed = ACTIONS[data["action"]].permission
        if needed not in permissions_of(request, self.member):
            raise PermissionDenied(f"Your role does not permit this ({needed}).")
        job = bulk.start(
            member=self.member,
            actor=current_actor(),
            action=data["action"],
            params=data["params"],
            ids=[str(one) for one in data["ids"]] if "ids" in data else None,
            filter_values=data.get("filter"),
        )
        return started(job)


@extend_schema_view(
    list=extend_schema(
        description="Merges, bulk changes and imports that can be undone or were; one's own, an administrator's all."
    )
)
class ChangeSetViewSet(OrganizationViewSet[ChangeSet]):
    permissions = {"list": "customers.view", "undo": "customers.edit"}
    serializer_class = ChangeSetSerializer
    missing_detail = "There is no such change."
    schema_name, schema_tags = "change_sets", ["customers"]

    def get_queryset(self) -> QuerySet[ChangeSet]:
        key = self.request.auth if isinstance(self.request.auth, APIKey) else None
        return undo.visible_change_sets(self.member, key=key).order_by("-created_at", "-id")

    @extend_schema(operation_id="change_sets_undo", request=None, responses={202: StartedSerializer, 409: NOT_ANY_MORE})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: UUID) -> Response:
        """Put back what a merge, a bulk change or an import changed, where it is still so."""
        change_set = self.get_object()
        return started(undo.undo(change_set=change_set, actor=current_actor(), user=self.member.user))
