"""What the API shows and takes of interactions."""

from __future__ import annotations

from rest_framework import serializers

from core.api.parameters import ListParameters
from customers.models import Interaction
from customers.people.record_serializers import RecordSerializer


class InteractionSerializer(RecordSerializer):
    channel = serializers.ChoiceField(choices=Interaction.Channel.choices)
    direction = serializers.ChoiceField(choices=Interaction.Direction.choices, required=False)
    content = serializers.CharField(max_length=20_000)
    occurred_at = serializers.DateTimeField(required=False)
    duration_seconds = serializers.IntegerField(min_value=0, max_value=7 * 86_400, required=False, allow_null=True)
    author = serializers.CharField(source="author_label", read_only=True)

    class Meta:
        model = Interaction
        fields = [
            "id", "customer", "channel", "direction", "content", "occurred_at", "duration_seconds", "author",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class InteractionParameters(ListParameters):
    orderings = ("-occurred_at", "created_at")

    customer = serializers.UUIDField(required=False)
    channel = serializers.ChoiceField(choices=Interaction.Channel.choices, required=False)
    direction = serializers.ChoiceField(choices=Interaction.Direction.choices, required=False)
