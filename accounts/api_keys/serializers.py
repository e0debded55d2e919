from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_keys import queries
from accounts.api_keys.confirming import ConfirmedSerializer
from accounts.api_keys.queries import OwnerKind
from accounts.api_keys.services import MAX_NAME_LENGTH
from accounts.credentials.api_keys import MAX_NETWORKS
from accounts.models import APIKey, KeyState
from accounts.permissions import SCOPES
from core.api.parameters import ListParameters
from core.api.strict import Strict

STATES = [(state.value, state.value) for state in KeyState]
OWNER_KINDS = [(kind.value, kind.value) for kind in OwnerKind]


class ScopeUseSerializer(serializers.Serializer[queries.ScopeUse]):
    permission = serializers.CharField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the hour.")
    is_unused = serializers.BooleanField(help_text="Not used for 30 days.")


class KeySerializer(serializers.ModelSerializer[APIKey]):
    """An API key; never what it consists of, but for its beginning."""

    member = serializers.UUIDField(source="member.user_id", help_text="The id of the user on whose behalf it acts.")
    member_name = serializers.CharField(source="member.user.get_full_name")
    is_service = serializers.BooleanField(source="member.user.is_service", help_text="Whether the member is no person.")
    state = serializers.ChoiceField(choices=STATES)
    scopes = serializers.ListField(
        child=serializers.CharField(),
        help_text="Permissions; what its member may not do any more is not permitted. None: all that a key can do.",
    )
    networks = serializers.ListField(child=serializers.CharField(), help_text="CIDR; none: from everywhere.")
    uses = serializers.SerializerMethodField(help_text="Each permission that it is good for now.")

    class Meta:
        model = APIKey
        fields = [
            "id", "name", "prefix", "member", "member_name", "is_service", "state", "scopes", "networks", "expires_at",
            "last_used_at", "uses", "created_at", "revoked_at",
        ]  # fmt: skip

    @extend_schema_field(ScopeUseSerializer(many=True))
    def get_uses(self, key: APIKey) -> object:
        return [ScopeUseSerializer(use).data for use in queries.uses_of(key)]


class IssuedKeySerializer(KeySerializer):
    """A key with its secret, which no later answer has."""

    key = serializers.SerializerMethodField(help_text="The key itself, shown this once.")

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key"]

    def get_key(self, key: APIKey) -> str:
        return str(self.context["secret"])


class NewKeySerializer(ConfirmedSerializer):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, help_text="What it is for.")
    member = serializers.UUIDField(
        required=False, help_text="The user id of a service member; without it the caller's own key."
    )
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=80),
        min_length=1,
        max_length=len(SCOPES),
        help_text="Permissions of `/admin/permissions`.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        max_length=MAX_NETWORKS,
        help_text="Addresses or CIDR, v4 and v6.",
    )


class NarrowSerializer(Strict):
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=80), min_length=1, max_length=len(SCOPES), help_text="Which to take."
    )


class KeyParameters(ListParameters):
    search = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Words of the name, the beginning or the owner."
    )
    state = serializers.ChoiceField(choices=STATES, required=False)
    owner = serializers.ChoiceField(choices=OWNER_KINDS, required=False, help_text="One's own, people's or services'.")
