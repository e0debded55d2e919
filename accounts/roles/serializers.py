"""What the API shows and takes of roles and permissions."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework import serializers

from accounts.models import Role
from accounts.permissions import CATALOG, Reach
from accounts.roles.services import MAX_KEY_LENGTH, MAX_NAME_LENGTH
from core.api.parameters import ListParameters
from core.api.strict import Strict


class PermissionsField(serializers.ListField):
    """Permissions by their keys, in order."""

    child = serializers.CharField(max_length=80)

    def to_representation(self, data: Iterable[str]) -> list[str]:
        return sorted(data)


class RoleSerializer(Strict, serializers.ModelSerializer[Role]):
    key = serializers.CharField(
        max_length=MAX_KEY_LENGTH,
        required=False,
        help_text="By which programs know it: made of the name where none is given, and for good.",
    )
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    permissions = PermissionsField(max_length=len(CATALOG), help_text="Keys of `/admin/permissions`.")
    reach = serializers.ChoiceField(
        choices=[reach.value for reach in Reach], help_text="Whose records its members see."
    )
    members = serializers.IntegerField(source="member_count", read_only=True, help_text="How many have the role.")
    accepts_own_loss = serializers.BooleanField(
        write_only=True, required=False, help_text="Save also what takes the caller’s own right to manage roles away."
    )

    class Meta:
        model = Role
        fields = ["id", "key", "name", "is_system", "permissions", "reach", "members", "accepts_own_loss"]
        read_only_fields = ["id", "is_system"]


class DeletionParameters(ListParameters):
    successor = serializers.UUIDField(required=False, help_text="The role that its members get.")
    accepts_own_loss = serializers.BooleanField(required=False, default=False)


class PermissionSerializer(serializers.Serializer[object]):
    key = serializers.CharField()
    label = serializers.CharField(source="phrase", help_text="What follows “may”.")  # type: ignore[assignment]


class PermissionGroupSerializer(serializers.Serializer[object]):
    """What can be permitted with one kind of thing."""

    resource = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    permissions = PermissionSerializer(many=True)
