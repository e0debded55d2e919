"""What the API shows and takes of deals, and what they come to."""

from __future__ import annotations

from rest_framework import serializers

from core.api.parameters import ListParameters
from customers.models import Deal
from customers.people.custom_fields.serializer_fields import OwnerField, OwnerFilterField
from customers.people.customers.serializers import StageKeyField
from customers.people.record_serializers import CUSTOM_FIELDS_HELP, RecordSerializer


class DealSerializer(RecordSerializer):
    title = serializers.CharField(
        max_length=200, required=False, help_text="Where none is given, a new deal is called by its customer's name."
    )
    probability = serializers.IntegerField(
        min_value=0, max_value=100, required=False, allow_null=True, help_text="Per cent; null: that of the stage."
    )
    chance = serializers.IntegerField(read_only=True, help_text="Per cent: its own probability, else its stage's.")
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    currency = serializers.CharField(min_length=3, max_length=3, required=False, help_text="ISO 4217.")
    stage = StageKeyField(required=False, allow_null=True)
    owner = OwnerField(required=False, allow_null=True)
    custom_fields = serializers.DictField(required=False, help_text=CUSTOM_FIELDS_HELP)

    class Meta:
        model = Deal
        fields = [
            "id", "customer", "title", "amount", "currency", "status", "stage", "probability", "chance",
            "expected_close_on", "closed_at", "owner", "lost_reason", "custom_fields", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class DealParameters(ListParameters):
    orderings = ("-created_at", "updated_at", "amount", "expected_close_on", "title")

    customer = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=Deal.Status.choices, required=False)
    stage = StageKeyField(required=False)
    owner = OwnerFilterField(required=False)


def _money(text: str) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=2, help_text=text)


class SumsParameters(ListParameters):
    owner = OwnerFilterField(required=False)


class DealTotalsSerializer(serializers.Serializer[object]):
    """The deals of one currency."""

    currency = serializers.CharField()
    count = serializers.IntegerField()
    open = _money("The sum of open deals.")
    weighted = _money("The same, each by its chance.")
    won = _money("The sum of won deals.")
    lost = _money("The sum of lost deals.")


class StageSumSerializer(serializers.Serializer[object]):
    stage = serializers.CharField(source="key")
    name = serializers.CharField(source="label")
    count = serializers.IntegerField()
    value = _money("The sum of open deals.")
    weighted = _money("The same, each by its chance.")


class MonthSumSerializer(serializers.Serializer[object]):
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
