"""`/sequences`: made and changed, customers put in, moved, and who is where."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.pages import CursorPages
from core.api.parameters import read_parameters
from core.api.strict import Body, valid
from core.refused import Invalid
from core.tenancy import current_organization
from customers.models import Customer
from workflows.models import Workflow, WorkflowRun
from workflows.rules import services as workflows
from workflows.sequences import queries, serializers
from workflows.sequences import services as sequences


@extend_schema_view(
    list=extend_schema(description="The sequences, by name."),
    retrieve=extend_schema(description="One sequence."),
    create=extend_schema(description="A new sequence; on unless switched off."),
    partial_update=extend_schema(description="Change a sequence, or switch it on or off."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Delete a sequence with its log; those inside leave it."),
)
class SequenceViewSet(OrganizationViewSet[Workflow]):
    permissions = {
        **dict.fromkeys(("list", "retrieve", "runs"), "workflows.view"),
        **dict.fromkeys(("update", "partial_update"), "workflows.edit"),
        **dict.fromkeys(("enrol", "skip", "move"), "conversations.edit"),
        "create": "workflows.create",
        "destroy": "workflows.delete",
    }
    serializer_class = serializers.SequenceSerializer
    missing_detail = "There is no such sequence."
    empty = {"cancel_on": ["reply"], "business_hours_only": False}
    schema_tags = ["workflows"]

    def get_queryset(self) -> QuerySet[Workflow]:
        return queries.sequences()

    def perform_create(self, data: Body) -> Workflow:
        values, _waiting = _values({"is_enabled": True, **data})
        made = sequences.create(organization=current_organization(), actor=current_actor(), values=values)
        return self.get_queryset().get(pk=made.pk)

    def perform_update(self, instance: Workflow, changes: Body) -> Workflow:
        values, waiting = _values(changes)
        sequences.update(sequence=instance, actor=current_actor(), changes=values, waiting=waiting)
        return self.get_queryset().get(pk=instance.pk)

    def perform_destroy(self, instance: Workflow) -> None:
        sequences.delete(sequence=instance, actor=current_actor())

    @extend_schema(request=serializers.EnrolSerializer, responses=serializers.EnrolledSerializer)
    @action(detail=True, methods=["post"])
    def enrol(self, request: Request, pk: UUID) -> Response:
        """Put customers in; of each that can’t be put in it says why."""
        sequence = self.get_object()
        body = valid(serializers.EnrolSerializer(data=request.data))
        rows = Customer.objects.visible_to(self.member).filter(pk__in=body["customers"]).order_by("pk")
        found = list(rows)
        count, refused = sequences.enrol_many(
            sequence=sequence, customers=found, actor=current_actor(), channel=body.get("channel", "")
        )
        missing = set(body["customers"]) - {row.pk for row in found}
        refused += [(key, _("There is no such customer.")) for key in sorted(missing)]
        skipped = [{"customer": key, "detail": why} for key, why in refused]
        return Response(serializers.EnrolledSerializer({"enrolled": count, "skipped": skipped}).data)

    @extend_schema(
        parameters=[serializers.SequenceRunParameters], responses=serializers.SequenceRunSerializer(many=True)
    )
    @action(detail=True, pagination_class=CursorPages)
    def runs(self, request: Request, pk: UUID) -> Response:
        """Who is or was in it, newest first, of customers that the caller sees."""
        filters = read_parameters(request, serializers.SequenceRunParameters)
        rows = queries.visible_runs(self.member, self.get_object())
        if "status" in filters:
            rows = rows.filter(status=filters["status"])
        return self.answer_list(rows, serializers.SequenceRunSerializer)

    @extend_schema(request=serializers.SkipSerializer, responses=serializers.SequenceRunSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: UUID) -> Response:
        """Leave out the step for which a customer waits."""
        sequence = self.get_object()
        body = valid(serializers.SkipSerializer(data=request.data))
        return self._answer(sequences.skip(run=self._run(sequence, body["process"]), actor=current_actor()))

    @extend_schema(request=serializers.MoveSerializer, responses=serializers.SequenceRunSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: UUID) -> Response:
        """Have a customer wait for another step."""
        sequence = self.get_object()
        body = valid(serializers.MoveSerializer(data=request.data))
        run = self._run(sequence, body["process"])
        return self._answer(sequences.move(run=run, step=body["step"], actor=current_actor()))

    def _run(self, sequence: Workflow, process: UUID) -> WorkflowRun:
        run: WorkflowRun | None = queries.visible_runs(self.member, sequence).filter(process=process).first()
        if run is None:
            raise Invalid("process", _("Nobody in this sequence has this process."))
        return run

    def _answer(self, run: WorkflowRun) -> Response:
        row = queries.visible_runs(self.member, run.workflow).get(pk=run.pk)
        return Response(serializers.SequenceRunSerializer(row).data)


def _values(data: Body) -> tuple[sequences.SequenceValues, workflows.WaitingRuns]:
    waiting = workflows.WaitingRuns(data.pop("waiting", workflows.WaitingRuns.FINISH))
    if "cancel_on" in data:
        data["stop_on"] = data.pop("cancel_on")
    return cast("sequences.SequenceValues", data), waiting
