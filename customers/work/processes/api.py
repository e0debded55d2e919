"""`/actions`, what was done for a lead; `/processes`, a customer's way through timed steps."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from activity.actor import current_actor
from core.api.errors import invalid
from core.api.strict import Body
from customers.models import Interaction, Process
from customers.people.records_api import RecordViewSet
from customers.work.interactions import services as interactions
from customers.work.processes import sequences
from customers.work.processes import services as processes
from customers.work.processes.serializers import (
    ActionParameters,
    ActionSerializer,
    ProcessParameters,
    ProcessSerializer,
)

PERMISSIONS = {
    "list": "customers.view", "create": "customers.create", "retrieve": "customers.view", "update": "customers.edit",
    "partial_update": "customers.edit", "destroy": "customers.edit",
}  # fmt: skip


@extend_schema_view(
    list=extend_schema(description="The actions within reach."),
    create=extend_schema(description="A new action."),
    retrieve=extend_schema(description="One action."),
    destroy=extend_schema(description="Delete the action."),
)
class ActionViewSet(RecordViewSet[Interaction]):
    permissions = PERMISSIONS
    serializer_class = ActionSerializer
    list_parameters = ActionParameters
    # Of two names for one filter the later one counts.
    lookups = {"customer": "customer", "lead_id": "customer", "action_type": "channel"}
    empty = {"direction": Interaction.Direction.OUTBOUND, "duration_seconds": None}
    schema_name, schema_tags = "actions", ["actions"]

    def get_queryset(self) -> QuerySet[Interaction]:
        return Interaction.objects.visible_to(self.member)

    def perform_create(self, data: Body) -> Interaction:
        return processes.log_action(action_type=data.pop("channel"), actor=current_actor(), **data)

    def perform_update(self, instance: Interaction, changes: Body) -> Interaction:
        return interactions.update(interaction=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Interaction) -> None:
        interactions.delete(interaction=instance, actor=current_actor())


SENT_AS = {"next_follow_up_at": "next_followup_datetime"}
turn_schema = extend_schema(
    request=None, responses={200: ProcessSerializer, 409: OpenApiResponse(description="The process has ended.")}
)


class ProcessViewSet(RecordViewSet[Process]):
    permissions = {**PERMISSIONS, **dict.fromkeys(("pause", "resume", "cancel"), "customers.edit")}
    serializer_class = ProcessSerializer
    list_parameters = ProcessParameters
    lookups = {"customer": "customer", "lead_id": "customer", "status": "status", "sequence": "sequence"}
    # `sequence` is fixed, so a PUT without it leaves it.
    empty = {"name": processes.NAME, "channel": "", "status": Process.Status.ACTIVE, "next_follow_up_at": None}
    etag_actions = RecordViewSet.etag_actions | {"pause", "resume", "cancel"}
    schema_name, schema_tags = "processes", ["processes"]

    def get_queryset(self) -> QuerySet[Process]:
        return Process.objects.visible_to(self.member).select_related("customer__organization")

    def perform_create(self, data: Body) -> Process:
        sequence = data.pop("sequence", None)
        if sequence is None:
            return processes.start(actor=current_actor(), **data)
        for name in data.keys() - {"customer", "channel"}:
            raise invalid(SENT_AS.get(name, name), "A sequence decides this by itself: leave it out.")
        return sequences.begin(sequence=sequence, actor=current_actor(), **data)

    def refuse_fixed(self, instance: Process, changes: Body) -> None:
        super().refuse_fixed(instance, changes)
        if changes.pop("sequence", instance.sequence) != instance.sequence:
            raise invalid("sequence", "A process stays in its sequence.")

    def perform_update(self, instance: Process, changes: Body) -> Process:
        return processes.update(process=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Process) -> None:
        processes.delete(process=instance, actor=current_actor())

    @turn_schema
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: UUID) -> Response:
        """Let it rest: nothing of it is due until it is resumed."""
        return self.answer(processes.pause(process=self.get_object(), actor=current_actor()))

    @turn_schema
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: UUID) -> Response:
        """Go on, with the next follow-up that it had."""
        return self.answer(processes.resume(process=self.get_object(), actor=current_actor()))

    @turn_schema
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """End it; its follow-up is taken off the customer."""
        return self.answer(processes.cancel(process=self.get_object(), actor=current_actor()))
