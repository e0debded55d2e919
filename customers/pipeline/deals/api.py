"""`/deals`, and `/customers/{id}/deals`; what they come to: in all, stage by stage, month by month."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from activity.actor import current_actor
from core.api.parameters import read_parameters
from core.api.strict import Body
from customers import days
from customers.models import Deal, Stage
from customers.people.records_api import RecordViewSet, by_owner
from customers.pipeline.deals import queries as deal_queries
from customers.pipeline.deals import services as deals
from customers.pipeline.deals.serializers import DealParameters, DealSerializer, SumsParameters, SumsSerializer


class DealViewSet(RecordViewSet[Deal]):
    permissions = {
        "list": "deals.view", "create": "deals.create", "retrieve": "deals.view", "update": "deals.edit",
        "partial_update": "deals.edit", "destroy": "deals.delete", "summary": "deals.view",
    }  # fmt: skip
    serializer_class = DealSerializer
    list_parameters = DealParameters
    lookups = {"customer": "customer", "status": "status", "stage": "stage"}
    empty = {
        "amount": 0, "status": Deal.Status.OPEN, "probability": None, "expected_close_on": None, "owner": None,
        "lost_reason": "",
    }  # fmt: skip
    schema_name, schema_tags = "deals", ["deals"]

    def get_queryset(self) -> QuerySet[Deal]:
        return Deal.objects.visible_to(self.member).select_related("stage", "owner")

    def filter_rows(self, rows: QuerySet[Deal], filters: Body) -> QuerySet[Deal]:
        return by_owner(super().filter_rows(rows, filters), self.member, "owner", filters.get("owner"))

    def perform_create(self, data: Body) -> Deal:
        return deals.create(actor=current_actor(), **{"title": data["customer"].name, **data})

    def perform_update(self, instance: Deal, changes: Body) -> Deal:
        return deals.update(deal=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Deal) -> None:
        deals.delete(deal=instance, actor=current_actor())

    @extend_schema(operation_id="deals_summary", parameters=[SumsParameters], responses=SumsSerializer)
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        """What the deals within the caller's reach come to."""
        requested = read_parameters(request, SumsParameters)
        requested_filters = {"owner": str(requested["owner"])} if requested.get("owner") else {}
        rows = deal_queries.deals_for(self.member, deal_queries.DealState(requested_filters))
        answer = {
            "totals": deal_queries.totals(rows),
            "by_stage": deal_queries.by_stage(rows, list(Stage.objects.order_by("position", "key"))),
            "by_month": deal_queries.by_month(rows, today=days.today(self.member.organization.zone)),
        }
        return Response(SumsSerializer(answer).data)
