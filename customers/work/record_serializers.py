"""Contacts, interactions, deals and tasks: what the API shows and takes of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.strict import Strict
from core.ids import parse_uuid
from customers.models import Contact, Customer, Deal, Interaction, Task
from customers.people.custom_fields.serializer_fields import OwnerField, OwnerFilterField
from customers.people.customers.serializers import StageKeyField
from customers.work.tasks import services as tasks


@extend_schema_field({"type": "string", "format": "uuid"})
class CustomerField(serializers.Field[object, object, object, object]):
    """A customer within reach, by id. Once a record is made it stays with its customer."""

    def to_internal_value(self, data: Any) -> Customer:
        wanted = parse_uuid(data)
        if wanted is None:
            raise serializers.ValidationError("A customer’s id is needed.")
        bound = getattr(self.root, "instance", None)
        if bound is not None and bound.customer_id != wanted:
            raise serializers.ValidationError("This can’t be moved to another customer.")
        rows = Customer.objects.visible_to(self.context["member"]).select_related("organization", "stage")
        row = rows.filter(pk=wanted).first()
        if row is None:
            raise serializers.ValidationError("There is no such customer.")
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.pk)

    def get_attribute(self, instance: Any) -> object:
        # The id is on the row: the customer need not be read for it.
        return None if instance.customer_id is None else _Id(instance.customer_id)


class _Id:
    def __init__(self, pk: object) -> None:
        self.pk = pk


CUSTOM_FIELDS_HELP = "By key; checked against the organization's definitions. null takes a value away."


class RecordSerializer(Strict, serializers.ModelSerializer[Model]):
    """A record of a customer."""

    customer = CustomerField()


class ContactSerializer(RecordSerializer):
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, help_text="Returned as E.164.")
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    custom_fields = serializers.DictField(required=False, help_text=CUSTOM_FIELDS_HELP)

    class Meta:
        model = Contact
        fields = [
            "id", "customer", "name", "relationship", "email", "phone", "birth_date", "custom_fields", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


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


class ContactParameters(ListParameters):
    orderings = ("-created_at", "name", "updated_at")

    customer = serializers.UUIDField(required=False)
    relationship = serializers.CharField(max_length=40, required=False)
    q = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="Part of the name.")


class InteractionParameters(ListParameters):
    orderings = ("-occurred_at", "created_at")

    customer = serializers.UUIDField(required=False)
    channel = serializers.ChoiceField(choices=Interaction.Channel.choices, required=False)
    direction = serializers.ChoiceField(choices=Interaction.Direction.choices, required=False)


class DealParameters(ListParameters):
    orderings = ("-created_at", "updated_at", "amount", "expected_close_on", "title")

    customer = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=Deal.Status.choices, required=False)
    stage = StageKeyField(required=False)
    owner = OwnerFilterField(required=False)


class TaskParameters(ListParameters):
    orderings = ("-created_at", "due_at", "updated_at", "title")

    customer = serializers.UUIDField(required=False)
    lead_id = serializers.UUIDField(required=False, help_text="The same as customer.")
    assigned_to = OwnerFilterField(required=False)
    status = serializers.ChoiceField(choices=Task.Status.choices, required=False)
    due_before = serializers.DateTimeField(required=False)
    overdue = serializers.BooleanField(required=False, allow_null=True, default=None)
