"""`/admin/settings`: the organization's own settings."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from accounts import grants
from accounts.access.api import OrganizationViewSet
from accounts.models import Organization
from accounts.organizations.values import MAX_NAME_LENGTH, MAX_UNDO_SECONDS, language
from accounts.settings import services as settings
from accounts.settings.parts import PARTS
from activity.actor import current_actor
from core.api.strict import Body, Strict


class LanguageField(serializers.ChoiceField):
    """The one language that there is: what is no other is taken, so that what was read can be sent back."""

    def get_attribute(self, instance: Organization) -> str:
        return language()


class SettingsSerializer(Strict, serializers.ModelSerializer[Organization]):
    """Parts that belong to apps above are fields as well."""

    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    country = serializers.CharField(
        source="default_country", max_length=2, allow_blank=True, help_text="Where phones without + are read."
    )
    timezone = serializers.CharField(max_length=64)
    currency = serializers.CharField(max_length=3, help_text="ISO 4217.")
    language = LanguageField(
        choices=[language()], required=False, help_text="Of Parley’s own pages and mails: so far there is one."
    )
    undo_seconds = serializers.IntegerField(min_value=0, max_value=MAX_UNDO_SECONDS)
    requires_second_factor = serializers.BooleanField(help_text="Whether every member needs one to come in.")
    allows_impersonation = serializers.BooleanField(help_text="Whether administrators can act as a member.")

    class Meta:
        model = Organization
        fields = [
            "id", "name", "slug", "country", "timezone", "currency", "language", "pack", "undo_seconds",
            "requires_second_factor", "allows_impersonation", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "slug", "pack", "created_at"]

    def get_fields(self) -> dict[str, serializers.Field]:
        return {**super().get_fields(), **{part.key: part.field() for part in PARTS}}

    def to_representation(self, instance: Organization) -> Body:
        data = super().to_representation(instance)
        return {**data, **{part.key: part.read(instance) for part in PARTS}}


@extend_schema_view(
    retrieve=extend_schema(description="The organization’s settings."),
    partial_update=extend_schema(description="Change some of them."),
)
class SettingsViewSet(OrganizationViewSet[Organization]):
    permissions = {"retrieve": "settings.view", "partial_update": "settings.edit"}
    serializer_class = SettingsSerializer
    schema_tags = ["administration"]

    def get_queryset(self) -> QuerySet[Organization]:
        return Organization.objects.filter(pk=self.member.organization_id)

    def get_object(self, *, lock: bool = False) -> Organization:
        """The caller's organization; with `lock`, nobody else changes it until the transaction ends."""
        return grants.lock(self.member.organization) if lock else self.get_queryset().get()

    def perform_update(self, instance: Organization, changes: Body) -> Organization:
        names = {"default_country": "country"}
        given = {names.get(name, name): value for name, value in changes.items() if name != "language"}
        return settings.update(organization=instance, actor=current_actor(), changes=given)
