"""The pipeline: what stands in it, and its stages."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, Strict
from core.tenancy import current_organization
from customers.models import Stage
from customers.people.api_access import read_filters
from customers.people.customers.serializers import CustomerParameters, StageKeyField
from customers.people.tags.services import COLORS
from customers.pipeline.board import summary as board
from customers.pipeline.stages import services as stages


class StageSerializer(Strict, serializers.ModelSerializer[Stage]):
    key = serializers.CharField(
        max_length=stages.MAX_KEY_LENGTH, required=False, help_text="For good; made of the name where none is given."
    )
    position = serializers.IntegerField(min_value=0, max_value=2 * stages.MAX_STAGES - 1, required=False)
    probability = serializers.IntegerField(min_value=0, max_value=100, required=False, help_text="Per cent.")
    color = serializers.ChoiceField(choices=COLORS, required=False)
    sla_hours = serializers.IntegerField(
        min_value=1, max_value=stages.MAX_HOURS, required=False, allow_null=True,
        help_text="Overdue when nothing was said or done for longer; null: never.",
    )  # fmt: skip
    entry_task = serializers.CharField(
        max_length=stages.MAX_TASK_LENGTH, required=False, allow_blank=True,
        help_text="The task that is made when a customer comes here.",
    )  # fmt: skip

    class Meta:
        model = Stage
        fields = ["id", "key", "name", "position", "kind", "probability", "color", "sla_hours", "entry_task"]
        read_only_fields = ["id"]


class StageSummarySerializer(serializers.Serializer[None]):
    """A stage and what stands in it now."""

    stage = serializers.CharField(source="stage.key")
    name = serializers.CharField(source="stage.name")
    kind = serializers.ChoiceField(choices=Stage.Kind.choices, source="stage.kind")
    count = serializers.IntegerField()
    value = serializers.DecimalField(max_digits=20, decimal_places=2, help_text="The sum of open deals.")
    overdue = serializers.IntegerField()
    average_days = serializers.FloatField(help_text="How long those who stand there have stood there.")


class StageTotalsSerializer(serializers.Serializer[None]):
    count = serializers.IntegerField()
    value = serializers.DecimalField(max_digits=20, decimal_places=2)
    overdue = serializers.IntegerField()


class SummarySerializer(serializers.Serializer[object]):
    """Every stage in order, with nobody in it too."""

    stages = StageSummarySerializer(many=True)
    totals = StageTotalsSerializer()
    currency = serializers.CharField(help_text="ISO 4217; deals in another currency are not in the values.")


class RemovalParameters(ListParameters):
    home = StageKeyField(required=False, help_text="The stage that its customers and deals move to.")


class RemovalSerializer(serializers.Serializer[None]):
    job_id = serializers.UUIDField(help_text="At `/jobs/{id}`; the stage goes when everybody has moved.")


@extend_schema_view(
    list=extend_schema(description="The stages, in order."),
    create=extend_schema(description="A new stage; an open one stands after the open ones unless a position is given."),
    partial_update=extend_schema(description="Change the fields that are given; the key is for good."),
    update=extend_schema(
        description="Set every field; what is not given becomes what a new stage has, but for the position."
    ),
)
class StageViewSet(OrganizationViewSet[Stage]):
    permissions = {
        "list": "customers.view", "create": "settings.edit", "retrieve": "customers.view",
        "update": "settings.edit", "partial_update": "settings.edit", "destroy": "settings.edit",
        "summary": "customers.view",
    }  # fmt: skip
    serializer_class = StageSerializer
    missing_detail = "There is no such stage."
    empty = {"kind": "open", "color": "slate", "probability": 0, "sla_hours": None, "entry_task": ""}
    fixed = {"key": "This can’t be changed: other systems know the stage by it."}
    # The contract gives a new stage no tag.
    etag_actions = OrganizationViewSet.etag_actions - {"create"}
    schema_name, schema_tags = "pipeline_stages", ["pipeline"]

    def get_queryset(self) -> QuerySet[Stage]:
        return Stage.objects.select_related("organization").order_by("position", "key")

    def lock_rows(self, rows: QuerySet[Stage]) -> QuerySet[Stage]:
        # A change of one may move the others: the services lock them all, in one order.
        stages.lock(self.member.organization)
        return rows

    def perform_create(self, data: Body) -> Stage:
        return stages.create(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: Stage, changes: Body) -> Stage:
        return stages.update(stage=instance, actor=current_actor(), changes=changes)

    @extend_schema(
        parameters=[RemovalParameters],
        responses={
            202: RemovalSerializer,
            204: OpenApiResponse(description="Gone."),
            409: OpenApiResponse(description="Customers or deals stand in it: say their new `home`."),
        },
    )
    def destroy(self, request: Request, **kwargs: object) -> Response:
        """Take a stage away; who stands in it moves to `home`, as a job."""
        home = read_parameters(request, RemovalParameters).get("home")
        with self.change() as stage:
            job = stages.remove(stage=stage, home=home, actor=current_actor(), member=self.member)
        return Response(status=204) if job is None else Response({"job_id": str(job.pk)}, status=202)

    @extend_schema(operation_id="pipeline_summary", parameters=[CustomerParameters], responses=SummarySerializer)
    def summary(self, request: Request) -> Response:
        """Counts, values and what is overdue, stage by stage, over the caller's reach; filtered like `/customers`."""
        result = board.summary(self.member, read_filters(request))
        totals = {
            "count": sum(row.count for row in result),
            "value": sum((row.value for row in result), start=0),
            "overdue": sum(row.overdue for row in result),
        }
        answer = {"stages": result, "totals": totals, "currency": self.member.organization.currency}
        return Response(SummarySerializer(answer).data)
