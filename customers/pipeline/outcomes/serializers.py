"""What the API shows and takes of outcomes and their types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.refused import as_field_error
from core.api.strict import Strict
from core.tenancy import current_organization
from customers.models import Outcome, OutcomeType
from customers.people.customers.serializers import StageKeyField
from customers.people.record_serializers import RecordSerializer
from customers.people.tags.services import COLORS
from customers.pipeline.outcomes import services as outcomes


@extend_schema_field({"type": "string", "maxLength": 40, "example": "consult_booked"})
class OutcomeTypeField(serializers.Field[OutcomeType, Any, str, Any]):
    """A type of outcome by its key."""

    def to_internal_value(self, data: Any) -> OutcomeType:
        if not isinstance(data, str):
            raise serializers.ValidationError("The key of a type is needed.")
        with as_field_error():
            return outcomes.find_type(organization=current_organization(), key=data)

    def to_representation(self, value: OutcomeType) -> str:
        return value.key


class OutcomeSerializer(RecordSerializer):
    type = OutcomeTypeField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False, allow_null=True)
    currency = serializers.CharField(min_length=3, max_length=3, required=False, help_text="ISO 4217.")
    occurred_at = serializers.DateTimeField(required=False, help_text="Now, where none is given; counted by it.")
    note = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    author = serializers.CharField(source="author_label", read_only=True)

    class Meta:
        model = Outcome
        fields = [
            "id", "customer", "type", "amount", "currency", "occurred_at", "note", "author", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class OutcomeParameters(ListParameters):
    orderings = ("-occurred_at", "created_at")

    customer = serializers.UUIDField(required=False)
    type = OutcomeTypeField(required=False)
    occurred_from = serializers.DateTimeField(required=False)
    occurred_to = serializers.DateTimeField(required=False, help_text="Not included.")


class OutcomeTypeSerializer(Strict, serializers.ModelSerializer[OutcomeType]):
    key = serializers.CharField(max_length=outcomes.MAX_KEY_LENGTH, required=False, help_text="For good.")
    name = serializers.CharField(max_length=outcomes.MAX_NAME_LENGTH)
    color = serializers.ChoiceField(choices=COLORS, required=False)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    stage = StageKeyField(required=False, allow_null=True, help_text="Where it moves the customer; null: they stay.")

    class Meta:
        model = OutcomeType
        fields = ["id", "key", "name", "position", "color", "stage", "is_converting", "has_amount"]
        read_only_fields = ["id"]
