"""`/workflows`, `/workflow-runs`, and what rules decided about a customer."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView, OrganizationViewSet
from activity.actor import current_actor
from core.api.pages import CursorPages
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, valid
from core.tenancy import current_organization
from customers.people.api_access import visible_customer
from workflows.models import Evaluation, Workflow, WorkflowRun
from workflows.rules import outgoing, queries, serializers, waits
from workflows.rules import services as workflows
from workflows.rules.catalog import catalog
from workflows.rules.dry_run import dry_run


@extend_schema_view(
    list=extend_schema(description="The rules, in the order in which they run."),
    create=extend_schema(description="A new rule, last in order unless `position` is given; on unless switched off."),
    partial_update=extend_schema(description="Change a rule, or switch it on or off. New content is a new version."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Delete a rule with its log. What it queued and made stays."),
)
class WorkflowViewSet(OrganizationViewSet[Workflow]):
    permissions = {
        **dict.fromkeys(("list", "retrieve", "catalog", "runs", "outgoing"), "workflows.view"),
        **dict.fromkeys(("update", "partial_update", "order", "dry_run", "cancel_outgoing"), "workflows.edit"),
        "create": "workflows.create",
        "destroy": "workflows.delete",
    }
    serializer_class = serializers.WorkflowSerializer
    missing_detail = "There is no such rule."
    empty = {"conditions": {}, "stop_after": False, "is_once": False, "hours": "any", "cancel_on": []}
    schema_tags = ["workflows"]

    def get_queryset(self) -> QuerySet[Workflow]:
        return queries.workflows()

    def perform_create(self, data: Body) -> Workflow:
        data.pop("waiting", None)
        values = cast("workflows.Values", {"is_enabled": True, **data})
        return workflows.create(organization=current_organization(), actor=current_actor(), values=values)

    def perform_update(self, instance: Workflow, changes: Body) -> Workflow:
        waiting = workflows.WaitingRuns(changes.pop("waiting", workflows.WaitingRuns.FINISH))
        values = cast("workflows.Values", changes)
        return workflows.update(workflow=instance, actor=current_actor(), changes=values, waiting=waiting)

    def perform_destroy(self, instance: Workflow) -> None:
        workflows.delete(workflow=instance, actor=current_actor())

    @extend_schema(responses=serializers.CatalogSerializer)
    @action(detail=False)
    def catalog(self, request: Request) -> Response:
        """The triggers, the fields that conditions may ask for with their operators, and the actions."""
        read_parameters(request, ListParameters)
        return Response(serializers.CatalogSerializer(catalog()).data)

    @extend_schema(request=serializers.OrderSerializer, responses={204: None})
    @action(detail=False, methods=["post"])
    def order(self, request: Request) -> Response:
        """Put the rules in another order."""
        ids = valid(serializers.OrderSerializer(data=request.data))["ids"]
        workflows.reorder(organization=current_organization(), actor=current_actor(), ids=ids)
        return Response(status=204)

    @extend_schema(request=serializers.DryRunBodySerializer, responses=serializers.DryRunSerializer)
    @action(detail=True, methods=["post"], url_path="dry-run")
    def dry_run(self, request: Request, pk: UUID) -> Response:
        """What the rule would have done about past events, by what is known now. Nothing is changed."""
        workflow = self.get_object()
        body = valid(serializers.DryRunBodySerializer(data=request.data))
        event_id = body.pop("event", None)
        result = dry_run(workflow=workflow, member=self.member, event_id=event_id, **body)
        return Response(serializers.DryRunSerializer(result).data)

    @extend_schema(parameters=[serializers.RunParameters], responses=serializers.RunSerializer(many=True))
    @action(detail=True, pagination_class=CursorPages)
    def runs(self, request: Request, pk: UUID) -> Response:
        """What the rule did, newest first, about customers that the caller sees."""
        filters = read_parameters(request, serializers.RunParameters)
        rows = queries.visible_runs(self.member).filter(workflow=self.get_object())
        if "status" in filters:
            rows = rows.filter(status=filters["status"])
        return self.answer_list(rows, serializers.RunSerializer)

    @extend_schema(parameters=[serializers.OutgoingParameters], responses=serializers.OutgoingSerializer(many=True))
    @action(detail=False)
    def outgoing(self, request: Request) -> Response:
        """The automatic messages that are still to go out, next first."""
        filters = read_parameters(request, serializers.OutgoingParameters)
        return self.answer_list(outgoing.messages(self.member, filters), serializers.OutgoingSerializer)

    @extend_schema(request=serializers.CancelSerializer, responses=serializers.CancelledSerializer)
    @action(detail=False, methods=["post"], url_path="outgoing/cancel")
    def cancel_outgoing(self, request: Request) -> Response:
        """Cancel automatic messages that have not begun to leave: some, a rule's, or those to a customer."""
        chosen = valid(serializers.CancelSerializer(data=request.data))
        count = outgoing.cancel(member=self.member, actor=current_actor(), chosen=chosen)
        return Response({"cancelled": count})


waiting_schema = extend_schema(
    request=None,
    responses={200: serializers.RunSerializer, 409: OpenApiResponse(description="The run does not wait.")},
)


@extend_schema_view(retrieve=extend_schema(description="A run: what it matched, did or skipped, and why."))
class WorkflowRunViewSet(OrganizationViewSet[WorkflowRun]):
    permissions = {
        "retrieve": "workflows.view", **dict.fromkeys(("retry", "go_on", "cancel"), "workflows.edit"),
    }  # fmt: skip
    serializer_class = serializers.RunSerializer
    missing_detail = "There is no such run."
    etag_actions = frozenset()
    schema_name, schema_tags = "workflow_runs", ["workflows"]

    def get_queryset(self) -> QuerySet[WorkflowRun]:
        return queries.visible_runs(self.member)

    @extend_schema(
        request=None,
        responses={200: serializers.RunSerializer, 409: OpenApiResponse(description="The run did not fail.")},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Do a failed run again, by the rule as it is now, from the step on that a failure took back."""
        workflows.retry(run=self.get_object(), actor=current_actor())
        return self.answer(self.get_object())

    @waiting_schema
    @action(detail=True, methods=["post"], url_path="continue")
    def go_on(self, request: Request, pk: UUID) -> Response:
        """Have a run that waits, or asks a person, go on now; its conditions are asked again."""
        waits.go_on(run=self.get_object(), actor=current_actor())
        return self.answer(self.get_object())

    @waiting_schema
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """End a run that waits."""
        waits.cancel(run=self.get_object(), actor=current_actor())
        return self.answer(self.get_object())


class DecisionViewSet(OrganizationViewSet[Evaluation]):
    permissions = {"list": "workflows.view"}
    serializer_class = serializers.EvaluationSerializer
    pagination_class = CursorPages
    schema_tags = ["customers"]

    @extend_schema(description="Why each rule acted or did not, for each of the customer’s events, newest first.")
    def list(self, request: Request, **kwargs: object) -> Response:
        return super().list(request, **kwargs)

    def get_queryset(self) -> QuerySet[Evaluation]:
        return queries.evaluations_of(visible_customer(cast("OrganizationView", self), self.kwargs["pk"]))
