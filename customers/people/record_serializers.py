"""What the serializers of a customer's records share: contacts, interactions, deals, tasks, outcomes, processes."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.strict import Strict
from core.ids import parse_uuid
from customers.models import Customer

CUSTOM_FIELDS_HELP = "By key; checked against the organization's definitions. null takes a value away."


@extend_schema_field({"type": "string", "format": "uuid"})
class CustomerField(serializers.Field[Customer, object, str, object]):
    """A customer within reach, by id. Once a record is made it stays with its customer."""

    def to_internal_value(self, data: object) -> Customer:
        key = parse_uuid(data)
        if key is None:
            raise serializers.ValidationError("A customer’s id is needed.")
        bound = getattr(self.root, "instance", None)
        if bound is not None and bound.customer_id != key:
            raise serializers.ValidationError("This can’t be moved to another customer.")
        rows = Customer.objects.visible_to(self.context["member"]).select_related("organization", "stage")
        row: Customer | None = rows.filter(pk=key).first()
        if row is None:
            raise serializers.ValidationError("There is no such customer.")
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.pk)

    def get_attribute(self, instance: Any) -> Any:
        # The id is on the row: the customer need not be read for it.
        return None if instance.customer_id is None else _Id(instance.customer_id)


class _Id:
    def __init__(self, pk: object) -> None:
        self.pk = pk


class RecordSerializer(Strict, serializers.ModelSerializer[Model]):
    """A record of a customer."""

    customer = CustomerField()
