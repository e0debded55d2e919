from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Member, User
from core.ids import parse_uuid
from core.tenancy import current_organization
from customers.people import owners


@extend_schema_field({"type": "string", "description": "`me`, `none`, or a user's id."})
class OwnerFilterField(serializers.Field[object, object, object, object]):
    """`me`, `none`, or the user id of somebody who is or was a member of the organization."""

    def to_internal_value(self, data: object) -> object:
        if data in ("me", "none"):
            return data
        user_id = parse_uuid(data)
        if user_id is None:
            raise serializers.ValidationError("Use “me”, “none” or a user’s id.")
        if not owners.is_member(user_id):
            raise serializers.ValidationError(owners.refusal())
        return user_id

    def to_representation(self, value: object) -> object:
        return value


@extend_schema_field({"type": "string", "description": "A user's id, or `me`."})
class OwnerField(serializers.Field[User, object, object, User]):
    """The owner by user id; only active members of the organization can be one."""

    def to_internal_value(self, data: object) -> User:
        if data == "me":
            user: User = self.context["member"].user
            return user
        key = parse_uuid(data)
        if key is None:
            raise serializers.ValidationError("A user’s id is needed.")
        row = (
            Member.objects.active().select_related("user").filter(organization=current_organization(), user=key).first()
        )
        if row is None:
            raise serializers.ValidationError("There is no active member with this id in the organization.")
        return row.user

    def to_representation(self, value: User) -> str:
        return str(value.pk)
