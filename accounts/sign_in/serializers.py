from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from accounts.credentials.tokens import Pair
from accounts.models import Member, Organization, User
from accounts.organizations import packs


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "name"]


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["id", "name", "slug", "pack", "timezone"]


class RegisterSerializer(serializers.Serializer[None]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    organization = serializers.CharField(
        max_length=150, required=False, allow_blank=True, default="", help_text="Its name."
    )
    pack = serializers.ChoiceField(choices=[], required=False, default=packs.DEFAULT)

    def get_fields(self) -> dict[str, serializers.Field[object, object, object, object]]:
        fields = super().get_fields()
        fields["pack"] = serializers.ChoiceField(choices=packs.keys(), required=False, default=packs.DEFAULT)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, object]:
        try:
            validate_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class LoginSerializer(serializers.Serializer[None]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    otp = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        default="",
        help_text="For an account with a second factor: a code of its app, or a recovery code.",
    )


class RefreshSerializer(serializers.Serializer[None]):
    refresh_token = serializers.CharField(max_length=4000)


class SwitchSerializer(serializers.Serializer[None]):
    organization = serializers.CharField(max_length=60, help_text="An organization's id or slug.")


class PairSerializer(serializers.Serializer[Pair]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.SerializerMethodField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    user = UserSerializer(source="member.user")
    organization = OrganizationSerializer(source="member.organization")

    def get_token_type(self, pair: Pair) -> str:
        return "bearer"


class MembershipSerializer(serializers.ModelSerializer[Member]):
    organization = OrganizationSerializer()
    role = serializers.CharField(source="role.key")

    class Meta:
        model = Member
        fields = ["organization", "role"]


class MeSerializer(serializers.Serializer[object]):
    user = UserSerializer()
    organization = OrganizationSerializer()
    role = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    memberships = MembershipSerializer(many=True)
    impersonator = UserSerializer(allow_null=True, help_text="Who acts in the user’s name; null for nobody.")
