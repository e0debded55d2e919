from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.errors import invalid
from core.api.parameters import ListParameters
from core.api.refused import as_field_error
from core.api.strict import Strict
from core.tenancy import current_organization
from customers.models import Consent, Customer, Stage
from customers.people.custom_fields.serializer_fields import OwnerField, OwnerFilterField
from customers.people.customers import stage_moves
from customers.people.fields import FIELDS, Kind, of_kind
from customers.people.filters import parse as filters
from customers.people.identities.serializers import IdentitySerializer
from customers.people.tags import services as tags


class AddressSerializer(Strict):
    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            place.name: serializers.CharField(max_length=place.max_length, required=False, allow_blank=True)
            for place in of_kind(Kind.PLACE)
        }


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ["channel", "purpose", "is_granted", "how", "created_at"]


@extend_schema_field({"type": "string", "maxLength": 40, "example": "new"})
class StageKeyField(serializers.Field[Stage, object, str, object]):
    """A pipeline stage by its key."""

    def to_internal_value(self, data: object) -> Stage:
        if not isinstance(data, str):
            raise serializers.ValidationError("A stage’s key is needed.")
        with as_field_error():
            return stage_moves.find_stage(organization=current_organization(), key=data)

    def to_representation(self, value: Stage) -> str:
        return value.key


class TagNamesField(serializers.ListField):
    """Tags by name."""

    child = serializers.CharField(max_length=tags.MAX_LENGTH)

    def to_representation(self, data: Any) -> list[str]:
        return sorted(tag.name for tag in data.all())


class TagFilterField(serializers.ListField):
    """Tags that a row must all carry; each is a join, and a database takes only so many."""

    child = serializers.CharField(max_length=tags.MAX_LENGTH)

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"required": False, "max_length": 10, "help_text": "Repeatable; all have to fit.", **options}
        )


class CustomerSerializer(Strict, serializers.ModelSerializer[Customer]):
    """A customer, read and written. What a caller may set is what is not read-only here, and nothing else."""

    phone = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="Given as people write it, returned as E.164."
    )
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    stage = StageKeyField(required=False, help_text="A stage's key.")
    assigned_to = OwnerField(required=False, allow_null=True)
    tags = TagNamesField(required=False, max_length=50)
    address = AddressSerializer(required=False)
    source = serializers.CharField(max_length=60, required=False, allow_blank=True)  # type: ignore[assignment]
    custom_fields = serializers.DictField(
        required=False, help_text="By key; checked against the organization's definitions. null takes a value away."
    )
    identities = IdentitySerializer(many=True, read_only=True)
    consents = ConsentSerializer(many=True, read_only=True)
    former_codes = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Codes of customers that were merged into this one."
    )
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)
    stage_since = serializers.DateTimeField(read_only=True)
    is_overdue = serializers.BooleanField(
        read_only=True, help_text="Nothing was said or done with them for longer than their stage allows."
    )
    open_value = serializers.DecimalField(
        max_digits=16, decimal_places=2, read_only=True, help_text="The sum of their open deals."
    )
    allow_duplicate = serializers.BooleanField(write_only=True, required=False, default=False)

    class Meta:
        model = Customer

    def get_field_names(self, declared_fields: Mapping[str, serializers.Field], info: object) -> list[str]:
        # What stands inside of another field is part of that.
        declared = [field.name for field in FIELDS if not field.stored_in]
        return ["id", *declared, *(name for name in declared_fields if name not in declared)]

    def get_extra_kwargs(self) -> dict[str, dict[str, bool]]:
        return {field.name: {"read_only": True} for field in FIELDS if not field.is_writable}

    def validate_name(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("A name is needed.")
        return value.strip()


class CustomerParameters(ListParameters):
    """What `customers.people.filters.parse` reads, as the schema tells it."""

    q = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Part of a name, e-mail, phone, company or code."
    )
    search = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="The same as q.")
    stage = StageKeyField(required=False)
    tag = TagFilterField()
    assigned_to = OwnerFilterField(required=False)
    created_from = serializers.CharField(required=False, help_text="A day or a moment.")
    created_to = serializers.CharField(required=False, help_text="A day, which is included, or a moment, which is not.")
    follow_up_before = serializers.CharField(required=False, help_text="A day or a moment.")
    has_open_task = serializers.BooleanField(required=False)
    overdue = serializers.BooleanField(
        required=False, help_text="Nothing was said or done for longer than the stage allows."
    )
    ordering = serializers.ChoiceField(choices=filters.ORDERINGS, required=False, help_text="- for falling.")

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {
            one.name: serializers.ChoiceField(choices=one.choices, required=False)
            if one.choices
            else serializers.CharField(max_length=one.max_length, required=False)
            for one in filters.plain_filters()
        }


class StageMoveSerializer(Strict):
    stage = StageKeyField(required=False)
    status = StageKeyField(required=False, help_text="The same as stage.")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        attrs["stage"] = attrs.get("stage") or attrs.get("status")
        if attrs["stage"] is None:
            raise invalid("stage", "A stage is needed.", code="required")
        return attrs


class AssignSerializer(Strict):
    assigned_to = OwnerField(allow_null=True)


class TagsSerializer(Strict):
    tag = serializers.CharField(max_length=tags.MAX_LENGTH, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=tags.MAX_LENGTH), required=False, max_length=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, object]:
        names = [*attrs.get("tags", []), *([attrs["tag"]] if attrs.get("tag") else [])]
        if not names:
            raise invalid("tag", "A tag is needed.", code="required")
        return {"names": names}
