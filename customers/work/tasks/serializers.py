"""What the API shows and takes of tasks."""

from __future__ import annotations

from rest_framework import serializers

from core.api.parameters import ListParameters
from customers.models import Task
from customers.people.custom_fields.serializer_fields import OwnerField, OwnerFilterField
from customers.people.record_serializers import CustomerField, RecordSerializer
from customers.work.tasks import services as tasks


class TaskSerializer(RecordSerializer):
    customer = CustomerField(required=False, allow_null=True)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    assigned_to = OwnerField(required=False, allow_null=True)
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)
    repeat_unit = serializers.ChoiceField(
        choices=Task.Repeat.choices, required=False, allow_blank=True, help_text="Comes again; empty: once."
    )
    repeat_every = serializers.IntegerField(
        min_value=1, max_value=tasks.MAX_REPEAT, required=False, help_text="Every so many of the unit."
    )

    class Meta:
        model = Task
        fields = [
            "id", "customer", "title", "description", "due_at", "priority", "status", "assigned_to", "remind_at",
            "repeat_unit", "repeat_every", "repeat_until", "series", "created_by", "completed_at", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "series", "completed_at", "created_at", "updated_at"]


class TaskParameters(ListParameters):
    orderings = ("-created_at", "due_at", "updated_at", "title")

    customer = serializers.UUIDField(required=False)
    lead_id = serializers.UUIDField(required=False, help_text="The same as customer.")
    assigned_to = OwnerFilterField(required=False)
    status = serializers.ChoiceField(choices=Task.Status.choices, required=False)
    due_before = serializers.DateTimeField(required=False)
    overdue = serializers.BooleanField(required=False, allow_null=True, default=None)
