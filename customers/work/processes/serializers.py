"""What the API shows and takes of actions and processes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.errors import invalid
from core.api.parameters import ListParameters
from customers.models import Interaction, Process
from customers.people.record_serializers import CustomerField, RecordSerializer


class LeadField(CustomerField):
    """A customer within reach, under the name that sales staff use."""

    def __init__(self, **options: Any) -> None:
        super().__init__(source="customer", **options)


@extend_schema_field({"type": "string", "maxLength": 16, "example": "call"})
class ActionTypeField(serializers.ChoiceField):
    """An interaction's channel, in any case."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data.strip().lower() if isinstance(data, str) else data)


class ActionSerializer(RecordSerializer):
    """An interaction seen from outside."""

    customer = None  # type: ignore[assignment]
    lead_id = LeadField()
    action_type = ActionTypeField(choices=Interaction.Channel.choices, source="channel")
    details = serializers.CharField(
        source="content", max_length=20_000, required=False, help_text="What was done; `description` says the same."
    )
    description = serializers.CharField(max_length=20_000, required=False)
    direction = serializers.ChoiceField(choices=Interaction.Direction.choices, required=False)
    occurred_at = serializers.DateTimeField(required=False, help_text="Now, where none is given.")
    duration_seconds = serializers.IntegerField(min_value=0, max_value=7 * 86_400, required=False, allow_null=True)
    author = serializers.CharField(source="author_label", read_only=True)

    class Meta:
        model = Interaction
        fields = [
            "id", "lead_id", "action_type", "details", "description", "direction", "occurred_at", "duration_seconds",
            "author", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        described = attrs.pop("description", None)
        if described is not None and attrs.setdefault("content", described) != described:
            raise invalid("description", "It says the same as details: give one of the two.")
        if "content" not in attrs and not self.partial:
            raise invalid("details", "What was done is needed.", code="required")
        return attrs

    def to_representation(self, instance: Any) -> dict[str, object]:
        instance.description = instance.content
        return super().to_representation(instance)


class ActionParameters(ListParameters):
    orderings = ("-occurred_at", "created_at")

    lead_id = serializers.UUIDField(required=False)
    customer = serializers.UUIDField(required=False, help_text="The same as lead_id.")
    action_type = ActionTypeField(choices=Interaction.Channel.choices, required=False)


class ProcessSerializer(RecordSerializer):
    """A customer's way through timed steps."""

    customer = None  # type: ignore[assignment]
    lead_id = LeadField()
    name = serializers.CharField(max_length=120, required=False)
    channel = serializers.CharField(max_length=40, required=False, allow_blank=True)
    sequence = serializers.UUIDField(
        required=False, allow_null=True, help_text="Of a way through a sequence; given when it begins."
    )
    last_action_id = serializers.UUIDField(read_only=True, allow_null=True)
    next_followup_datetime = serializers.DateTimeField(
        source="next_follow_up_at", required=False, allow_null=True, help_text="The customer's one next follow-up."
    )

    class Meta:
        model = Process
        fields = [
            "id", "name", "lead_id", "channel", "sequence", "status", "last_action_id", "next_followup_datetime",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class ProcessParameters(ListParameters):
    orderings = ("-created_at", "updated_at", "next_follow_up_at")

    lead_id = serializers.UUIDField(required=False)
    customer = serializers.UUIDField(required=False, help_text="The same as lead_id.")
    sequence = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=Process.Status.choices, required=False)
