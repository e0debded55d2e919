from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.strict import Strict
from messaging.channels.base import Kind as ChannelKind
from workflows.models import Workflow, WorkflowRun
from workflows.rules.reading import MAX_NAME_LENGTH
from workflows.rules.serializers import CANCEL_ON, RunSerializer
from workflows.rules.services import WaitingRuns
from workflows.rules.steps import CancelOn
from workflows.sequences.services import MAX_AT_ONCE
from workflows.sequences.steps import MAX_SEQUENCE_STEPS, to_steps

STEP = {
    "type": "object",
    "properties": {
        "delay_minutes": {"type": "integer", "minimum": 0},
        "action": {"type": "object", "additionalProperties": True},
    },
    "required": ["action"],
    "example": {"delay_minutes": 1440, "action": {"action": "send_text", "body": "Are you still interested?"}},
}


@extend_schema_field(STEP)
class StepField(serializers.DictField):
    """What is done, and how long after the step before."""


class SequenceSerializer(Strict, serializers.ModelSerializer[Workflow]):
    """Steps in time that a customer is taken through."""

    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    steps = serializers.ListField(child=StepField(), max_length=MAX_SEQUENCE_STEPS)
    stop_on = serializers.ListField(
        child=serializers.ChoiceField(choices=CANCEL_ON), required=False, source="cancel_on",
        help_text="What takes a customer out; without it their reply.",
    )  # fmt: skip
    stop_on_reply = serializers.BooleanField(required=False, help_text="Whether `stop_on` has `reply`.")
    business_hours_only = serializers.BooleanField(required=False, help_text="Each step waits for business hours.")
    is_enabled = serializers.BooleanField(required=False, help_text="Without it a new sequence is on.")
    inside = serializers.IntegerField(read_only=True, default=0, help_text="How many customers are in it.")
    waiting = serializers.ChoiceField(
        choices=[choice.value for choice in WaitingRuns], required=False, write_only=True,
        help_text="What a change of the steps means for those inside: they finish by the old ones, wait at the same "
        "step of the new ones, or leave.",
    )  # fmt: skip

    class Meta:
        model = Workflow
        fields = [
            "id", "name", "steps", "stop_on", "stop_on_reply", "business_hours_only", "is_enabled", "inside", "waiting",
            "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "version", "created_at", "updated_at"]

    def to_representation(self, instance: Workflow) -> dict[str, object]:
        derived = {
            "steps": to_steps(instance.actions),
            "stop_on_reply": CancelOn.REPLY in instance.cancel_on,
            "business_hours_only": instance.hours == Workflow.Hours.OPEN,
        }
        for name, value in derived.items():
            setattr(instance, name, value)
        return super().to_representation(instance)


class EnrolSerializer(Strict):
    customers = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_AT_ONCE)
    channel = serializers.ChoiceField(
        choices=[(kind.value, kind.value) for kind in ChannelKind], required=False,
        help_text="What its messages go by; without it as a person would write.",
    )  # fmt: skip


class NotEnrolledSerializer(serializers.Serializer[object]):
    customer = serializers.UUIDField()
    detail = serializers.CharField(help_text="Why not.")


class EnrolledSerializer(serializers.Serializer[object]):
    enrolled = serializers.IntegerField()
    skipped = NotEnrolledSerializer(many=True)


class SkipSerializer(Strict):
    process = serializers.UUIDField(help_text="Of a customer in the sequence.")


class MoveSerializer(SkipSerializer):
    step = serializers.IntegerField(help_text="From 1.")


class SequenceRunSerializer(RunSerializer):
    """A customer’s way through a sequence."""

    process = serializers.UUIDField(source="process_id")
    customer = serializers.UUIDField(source="process.customer_id")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "process"]


class SequenceRunParameters(ListParameters):
    status = serializers.ChoiceField(choices=WorkflowRun.Status.choices, required=False)
