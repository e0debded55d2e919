from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.pages import CursorPages
from core.api.parameters import read_parameters
from core.api.strict import Body, valid
from core.lookups import first_or_404
from workflows.models import Rehearsal, RehearsedEvent, Workflow
from workflows.rehearsals import queries, serializers
from workflows.rehearsals import services as rehearsals
from workflows.rules import queries as rules


class WorkflowRehearsalViewSet(OrganizationViewSet[Rehearsal]):
    """The rehearsals of a rule."""

    permissions = {"list": "workflows.view", "create": "workflows.edit"}
    serializer_class = serializers.WorkflowRehearsalSerializer
    pagination_class = CursorPages
    etag_actions = frozenset()
    schema_name, schema_tags = "workflow_rehearsals_of", ["workflows"]

    def get_queryset(self) -> QuerySet[Rehearsal]:
        return queries.rehearsals(self.member, self._workflow())

    @extend_schema(
        description="The rehearsals of the rule, newest first.",
        responses={
            200: serializers.WorkflowRehearsalSerializer(many=True),
            404: OpenApiResponse(description="There is no such rule."),
        },
    )
    def list(self, request: Request, **kwargs: object) -> Response:
        return super().list(request, **kwargs)

    @extend_schema(
        request=serializers.RehearsalBodySerializer,
        responses={
            202: serializers.RehearsalStartedSerializer,
            404: OpenApiResponse(description="There is no such rule."),
            409: OpenApiResponse(description="It is being rehearsed already."),
        },
    )
    def create(self, request: Request, **kwargs: object) -> Response:
        """Follow the rule through the past, as a job; nothing but the rehearsal is written."""
        workflow = self._workflow()
        body = valid(serializers.RehearsalBodySerializer(data=request.data))
        rehearsal = rehearsals.start(workflow=workflow, member=self.member, actor=current_actor(), **body)
        started: Body = {"job_id": rehearsal.job_id, "rehearsal_id": rehearsal.pk}
        return Response(serializers.RehearsalStartedSerializer(started).data, status=202)

    def _workflow(self) -> Workflow:
        rows = rules.workflows().select_related("organization")
        return first_or_404(rows.filter(pk=self.kwargs["pk"]), "There is no such rule.")


@extend_schema_view(retrieve=extend_schema(description="A rehearsal with its figures, which grow while it runs."))
class RehearsalViewSet(OrganizationViewSet[Rehearsal]):
    permissions = {**dict.fromkeys(("retrieve", "events"), "workflows.view")}
    serializer_class = serializers.WorkflowRehearsalSerializer
    missing_detail = "There is no such rehearsal."
    etag_actions = frozenset()
    schema_name, schema_tags = "workflow_rehearsals", ["workflows"]

    def get_queryset(self) -> QuerySet[Rehearsal]:
        return queries.rehearsals(self.member)

    @extend_schema(
        parameters=[serializers.RehearsedEventParameters], responses=serializers.RehearsedEventSerializer(many=True)
    )
    @action(detail=True, pagination_class=CursorPages, cursor_order=("-occurred_at", "-id"))
    def events(self, request: Request, pk: UUID) -> Response:
        """What the rule would have done about each event, newest first, about customers that the caller sees; of many
        the newest."""
        rehearsal = self.get_object()
        filters = read_parameters(request, serializers.RehearsedEventParameters)
        rows: QuerySet[RehearsedEvent] = queries.rehearsed_events(self.member, rehearsal, filters.get("show", ""))
        return self.answer_list(rows, serializers.RehearsedEventSerializer)
