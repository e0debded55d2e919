"""What deals come to: in all, stage by stage, month by month."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from core.api.parameters import ListParameters, read_parameters
from customers import days
from customers.models import Stage
from customers.people.custom_fields.serializer_fields import OwnerFilterField
from customers.pipeline.deals import queries as deal_queries


def _money(text: str) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=2, help_text=text)


class SumsParameters(ListParameters):
    owner = OwnerFilterField(required=False)


class DealTotalsSerializer(serializers.Serializer[None]):
    """The deals of one currency."""

    currency = serializers.CharField()
    count = serializers.IntegerField()
    open = _money("The sum of open deals.")
    weighted = _money("The same, each by its chance.")
    won = _money("The sum of won deals.")
    lost = _money("The sum of lost deals.")


class StageSumSerializer(serializers.Serializer[None]):
    stage = serializers.CharField(source="key")
    name = serializers.CharField(source="label")
    count = serializers.IntegerField()
    value = _money("The sum of open deals.")
    weighted = _money("The same, each by its chance.")


class MonthSumSerializer(serializers.Serializer[None]):
    month = serializers.CharField(source="key", help_text="Such as 2026-03.")
    count = serializers.IntegerField()
    value = _money("The sum of open deals that are expected to close in it.")
    weighted = _money("The same, each by its chance.")
    won = _money("The sum of deals that were won in it.")


class SumsSerializer(serializers.Serializer[object]):
    """`totals` by currency; stages and months in the organization's own."""

    totals = DealTotalsSerializer(many=True)
    by_stage = StageSumSerializer(many=True)
    by_month = MonthSumSerializer(many=True)


class DealSumsView(OrganizationView):
    permissions_by_method = {"GET": "deals.view"}

    @extend_schema(tags=["deals"], operation_id="deals_summary", parameters=[SumsParameters], responses=SumsSerializer)
    def get(self, request: Request) -> Response:
        """What the deals within the caller's reach come to."""
        requested = read_parameters(request, SumsParameters)
        given = {"owner": str(requested["owner"])} if requested.get("owner") else {}
        rows = deal_queries.deals_for(self.member, deal_queries.DealState(given))
        answer = {
            "totals": deal_queries.totals(rows),
            "by_stage": deal_queries.by_stage(rows, list(Stage.objects.order_by("position", "key"))),
            "by_month": deal_queries.by_month(rows, today=days.today(self.member.organization.zone)),
        }
        return Response(SumsSerializer(answer).data)
