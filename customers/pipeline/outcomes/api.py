"""`/outcomes`, and `/customers/{id}/outcomes`: business results; `/outcome-types`: what they can be."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.strict import Body
from core.tenancy import current_organization
from customers.models import Outcome, OutcomeType
from customers.people.records_api import RecordViewSet
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.outcomes.serializers import OutcomeParameters, OutcomeSerializer, OutcomeTypeSerializer


class OutcomeViewSet(RecordViewSet[Outcome]):
    permissions = {
        "list": "customers.view", "create": "customers.create", "retrieve": "customers.view",
        "update": "customers.edit", "partial_update": "customers.edit", "destroy": "customers.edit",
    }  # fmt: skip
    serializer_class = OutcomeSerializer
    list_parameters = OutcomeParameters
    lookups = {
        "customer": "customer", "type": "type", "occurred_from": "occurred_at__gte", "occurred_to": "occurred_at__lt",
    }  # fmt: skip
    empty = {"amount": None, "note": ""}
    schema_name, schema_tags = "outcomes", ["outcomes"]

    def get_queryset(self) -> QuerySet[Outcome]:
        return Outcome.objects.visible_to(self.member).select_related("type", "customer")

    def perform_create(self, data: Body) -> Outcome:
        return outcomes.record_outcome(actor=current_actor(), **data)

    def perform_update(self, instance: Outcome, changes: Body) -> Outcome:
        return outcomes.update(outcome=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Outcome) -> None:
        outcomes.delete(outcome=instance, actor=current_actor())


@extend_schema_view(
    list=extend_schema(description="The types of outcomes, in order."),
    create=extend_schema(description="A new type."),
    retrieve=extend_schema(description="One type."),
    partial_update=extend_schema(description="Change the fields that are given; the key is for good."),
    update=extend_schema(description="Set every field but the place."),
    destroy=extend_schema(
        description="Take a type away that was never recorded.",
        responses={204: OpenApiResponse(description="Gone."), 409: OpenApiResponse(description="It was recorded.")},
    ),
)
class OutcomeTypeViewSet(OrganizationViewSet[OutcomeType]):
    permissions = {
        "list": "customers.view", "create": "settings.edit", "retrieve": "customers.view",
        "update": "settings.edit", "partial_update": "settings.edit", "destroy": "settings.edit",
    }  # fmt: skip
    serializer_class = OutcomeTypeSerializer
    missing_detail = "There is no such type."
    empty = {"color": "slate", "stage": None, "is_converting": False, "has_amount": False}
    fixed = {"key": "This can’t be changed: other systems know the type by it."}
    # The contract gives a new type no tag.
    etag_actions = OrganizationViewSet.etag_actions - {"create"}
    schema_name, schema_tags = "outcome_types", ["outcomes"]

    def get_queryset(self) -> QuerySet[OutcomeType]:
        return OutcomeType.objects.select_related("stage", "organization").order_by("position", "key")

    def perform_create(self, data: Body) -> OutcomeType:
        return outcomes.create_type(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: OutcomeType, changes: Body) -> OutcomeType:
        return outcomes.update_type(outcome_type=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: OutcomeType) -> None:
        outcomes.delete_type(outcome_type=instance, actor=current_actor())
