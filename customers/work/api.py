"""Actions, processes and outcomes, and the types of outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.models import Member
from activity.actor import current_actor
from core.api.conditional import ConditionalMixin
from core.api.errors import invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.tenancy import current_organization
from customers.models import Interaction, Outcome, OutcomeType, Process
from customers.people.api_access import valid
from customers.pipeline.outcomes import services as outcomes
from customers.work import serializers as shapes
from customers.work.interactions import services as interactions
from customers.work.processes import services as processes
from customers.work.records_api import Records


def _of_lead(rows: QuerySet, filters: dict[str, object]) -> QuerySet:
    customer = filters.get("lead_id") or filters.get("customer")
    return rows.filter(customer=customer) if customer else rows


def _actions(rows: QuerySet, member: Member, filters: dict[str, object]) -> QuerySet:
    rows = _of_lead(rows, filters)
    return rows.filter(channel=filters["action_type"]) if filters.get("action_type") else rows


def _processes(rows: QuerySet, member: Member, filters: dict[str, object]) -> QuerySet:
    rows = _of_lead(rows, filters)
    return rows.filter(status=filters["status"]) if filters.get("status") else rows


def _outcomes(rows: QuerySet, member: Member, filters: dict[str, object]) -> QuerySet:
    for name, path in (("customer", "customer"), ("type", "type"), ("occurred_from", "occurred_at__gte"),
                       ("occurred_to", "occurred_at__lt")):  # fmt: skip
        if filters.get(name):
            rows = rows.filter(**{path: filters[name]})
    return rows


def _log(data: dict[str, Any]) -> Interaction:
    return processes.log_action(action_type=data.pop("channel"), actor=current_actor(), **data)


ACTIONS = Records(
    "actions", "action", "customers",
    lambda member: Interaction.objects.visible_to(member), _actions,
    shapes.ActionSerializer, shapes.ActionParameters,
    _log,
    lambda row, changes: interactions.update(interaction=row, actor=current_actor(), changes=changes),
    lambda row: interactions.delete(interaction=row, actor=current_actor()),
    {"direction": Interaction.Direction.OUTBOUND, "duration_seconds": None},
)  # fmt: skip
PROCESSES = Records(
    "processes", "process", "customers",
    lambda member: Process.objects.visible_to(member).select_related("customer"), _processes,
    shapes.ProcessSerializer, shapes.ProcessParameters,
    lambda data: processes.start(actor=current_actor(), **data),
    lambda row, changes: processes.update(process=row, actor=current_actor(), changes=changes),
    lambda row: processes.delete(process=row, actor=current_actor()),
    {"name": processes.NAME, "channel": "", "status": Process.Status.ACTIVE, "next_follow_up_at": None},
)  # fmt: skip
OUTCOMES = Records(
    "outcomes", "outcome", "customers",
    lambda member: Outcome.objects.visible_to(member).select_related("type", "customer"), _outcomes,
    shapes.OutcomeSerializer, shapes.OutcomeParameters,
    lambda data: outcomes.record_outcome(actor=current_actor(), **data),
    lambda row, changes: outcomes.update(outcome=row, actor=current_actor(), changes=changes),
    lambda row: outcomes.delete(outcome=row, actor=current_actor()),
    {"amount": None, "note": ""},
)  # fmt: skip
KINDS = (ACTIONS, PROCESSES, OUTCOMES)


class _TurnView(ConditionalMixin, OrganizationView):
    permissions_by_method = {"POST": "customers.edit"}
    turn: Callable[..., Process]

    def make_turn(self, pk: UUID) -> Response:
        rows = Process.objects.visible_to(self.member).select_related("customer__organization")
        process = rows.filter(pk=pk).first()
        if process is None:
            raise Http404("There is no such process.")
        changed = type(self).turn(process=process, actor=current_actor())
        return self.tagged(dict(shapes.ProcessSerializer(changed).data))


_ENDED = OpenApiResponse(description="The process has ended.")


class PauseView(_TurnView):
    turn = staticmethod(processes.pause)

    @extend_schema(tags=["processes"], request=None, responses={200: shapes.ProcessSerializer, 409: _ENDED})
    def post(self, request: Request, pk: UUID) -> Response:
        """Let it rest: nothing of it is due until it is resumed."""
        return self.make_turn(pk)


class ResumeView(_TurnView):
    turn = staticmethod(processes.resume)

    @extend_schema(tags=["processes"], request=None, responses={200: shapes.ProcessSerializer, 409: _ENDED})
    def post(self, request: Request, pk: UUID) -> Response:
        """Go on, with the next follow-up that it had."""
        return self.make_turn(pk)


class CancelView(_TurnView):
    turn = staticmethod(processes.cancel)

    @extend_schema(tags=["processes"], request=None, responses={200: shapes.ProcessSerializer, 409: _ENDED})
    def post(self, request: Request, pk: UUID) -> Response:
        """End it; its follow-up is taken off the customer."""
        return self.make_turn(pk)


class OutcomeTypeListView(OrganizationView):
    permissions_by_method = {"GET": "customers.view", "POST": "settings.edit"}
    pagination_class = NumberedPages

    @extend_schema(
        tags=["outcomes"], operation_id="outcome_types_list", responses=shapes.OutcomeTypeSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The types of outcomes, in order."""
        read_parameters(request, ListParameters)
        rows = OutcomeType.objects.select_related("stage").order_by("position", "key")
        return paginated(self, rows, lambda page: shapes.OutcomeTypeSerializer(page, many=True).data)

    @extend_schema(
        tags=["outcomes"], operation_id="outcome_types_create", request=shapes.OutcomeTypeSerializer,
        responses={201: shapes.OutcomeTypeSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A new type."""
        data = valid(shapes.OutcomeTypeSerializer(data=request.data))
        kind = outcomes.create_type(organization=current_organization(), actor=current_actor(), **data)
        return Response(shapes.OutcomeTypeSerializer(kind).data, status=201)


class OutcomeTypeView(ConditionalMixin, OrganizationView):
    permissions_by_method = {
        "GET": "customers.view", "PATCH": "settings.edit", "PUT": "settings.edit", "DELETE": "settings.edit",
    }  # fmt: skip

    @extend_schema(tags=["outcomes"], operation_id="outcome_types_retrieve", responses=shapes.OutcomeTypeSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One type."""
        return self.tagged(dict(shapes.OutcomeTypeSerializer(_type(pk)).data))

    @extend_schema(
        tags=["outcomes"], operation_id="outcome_types_update", request=shapes.OutcomeTypeSerializer(partial=True),
        responses=shapes.OutcomeTypeSerializer,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change the fields that are given; the key is for good."""
        return self._change(request, pk, partial=True)

    @extend_schema(
        tags=["outcomes"], operation_id="outcome_types_replace", request=shapes.OutcomeTypeSerializer,
        responses=shapes.OutcomeTypeSerializer,
    )  # fmt: skip
    def put(self, request: Request, pk: UUID) -> Response:
        """Set every field but the place."""
        return self._change(request, pk, partial=False)

    @extend_schema(
        tags=["outcomes"], operation_id="outcome_types_delete",
        responses={204: OpenApiResponse(description="Gone."), 409: OpenApiResponse(description="It was recorded.")},
    )  # fmt: skip
    def delete(self, request: Request, pk: UUID) -> Response:
        """Take a type away that was never recorded."""
        kind = _type(pk)
        self.require_match(request, dict(shapes.OutcomeTypeSerializer(kind).data))
        outcomes.delete_type(kind=kind, actor=current_actor())
        return Response(status=204)

    def _change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        with transaction.atomic():
            kind = _type(pk)
            self.require_match(request, dict(shapes.OutcomeTypeSerializer(kind).data))
            data = dict(valid(shapes.OutcomeTypeSerializer(kind, data=request.data, partial=partial)))
            if data.pop("key", kind.key) != kind.key:
                raise invalid("key", "This can’t be changed: other systems know the type by it.")
            if not partial:
                data = {"color": "slate", "stage": None, "is_converting": False, "has_amount": False} | data
            changed = outcomes.update_type(kind=kind, actor=current_actor(), changes=data)
        return self.tagged(dict(shapes.OutcomeTypeSerializer(changed).data))


def _type(pk: UUID) -> OutcomeType:
    kind = OutcomeType.objects.select_related("stage", "organization").filter(pk=pk).first()
    if kind is None:
        raise Http404("There is no such type.")
    return kind
