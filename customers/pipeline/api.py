"""The pipeline: what stands in it, and its stages."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from activity.actor import current_actor
from core.api.conditional import ConditionalMixin
from core.api.errors import invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict
from core.tenancy import current_organization
from customers.models import Stage
from customers.people.api_access import read_filters, valid
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


class SummaryView(OrganizationView):
    permissions_by_method = {"GET": "customers.view"}

    @extend_schema(
        tags=["pipeline"], operation_id="pipeline_summary", parameters=[CustomerParameters], responses=SummarySerializer
    )
    def get(self, request: Request) -> Response:
        """Counts, values and what is overdue, stage by stage, over the caller's reach; filtered like `/customers`."""
        result = board.summary(self.member, read_filters(request))
        totals = {
            "count": sum(row.count for row in result),
            "value": sum((row.value for row in result), start=0),
            "overdue": sum(row.overdue for row in result),
        }
        answer = {"stages": result, "totals": totals, "currency": self.member.organization.currency}
        return Response(SummarySerializer(answer).data)


class StageListView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "settings.edit"}
    pagination_class = NumberedPages

    @extend_schema(tags=["pipeline"], operation_id="pipeline_stages_list", responses=StageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The stages, in order."""
        read_parameters(request, ListParameters)
        rows = Stage.objects.order_by("position", "key")
        return paginated(self, rows, lambda page: StageSerializer(page, many=True).data)

    @extend_schema(
        tags=["pipeline"], operation_id="pipeline_stages_create", request=StageSerializer,
        responses={201: StageSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A new stage; an open one stands after the open ones unless a position is given."""
        data = valid(StageSerializer(data=request.data))
        stage = stages.create(organization=current_organization(), actor=current_actor(), **data)
        return Response(StageSerializer(stage).data, status=201)


class StageView(ConditionalMixin, OrganizationView):
    permissions_by_method = {
        "GET": "customers.view", "PATCH": "settings.edit", "PUT": "settings.edit", "DELETE": "settings.edit",
    }  # fmt: skip

    @extend_schema(tags=["pipeline"], operation_id="pipeline_stages_retrieve", responses=StageSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One stage."""
        return self.tagged(dict(StageSerializer(_found(pk)).data))

    @extend_schema(
        tags=["pipeline"], operation_id="pipeline_stages_update", request=StageSerializer(partial=True),
        responses=StageSerializer,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change the fields that are given; the key is for good."""
        return self._change(request, pk, partial=True)

    @extend_schema(
        tags=["pipeline"], operation_id="pipeline_stages_replace", request=StageSerializer, responses=StageSerializer
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Set every field; what is not given becomes what a new stage has, but for the position."""
        return self._change(request, pk, partial=False)

    @extend_schema(
        tags=["pipeline"], operation_id="pipeline_stages_delete", parameters=[RemovalParameters],
        responses={
            202: RemovalSerializer,
            204: OpenApiResponse(description="Gone."),
            409: OpenApiResponse(description="Customers or deals stand in it: say their new `home`."),
        },
    )  # fmt: skip
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take a stage away; who stands in it moves to `home`, as a job."""
        home = read_parameters(request, RemovalParameters).get("home")
        stage = _found(pk)
        self.require_match(request, dict(StageSerializer(stage).data))
        job = stages.remove(stage=stage, home=home, actor=current_actor(), member=self.member)
        return Response(status=204) if job is None else Response({"job_id": str(job.pk)}, status=202)

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        stage = _found(pk)
        self.require_match(request, dict(StageSerializer(stage).data))
        data = dict(valid(StageSerializer(stage, data=request.data, partial=partial)))
        if data.pop("key", stage.key) != stage.key:
            raise invalid("key", "This can’t be changed: other systems know the stage by it.")
        if not partial:
            empty = {"kind": "open", "color": "slate", "probability": 0, "sla_hours": None, "entry_task": ""}
            data = empty | data
        changed = stages.update(stage=stage, actor=current_actor(), changes=data)
        return self.tagged(dict(StageSerializer(changed).data))


def _found(pk: UUID) -> Stage:
    stage = Stage.objects.select_related("organization").filter(pk=pk).first()
    if stage is None:
        raise Http404("There is no such stage.")
    return stage
