"""Channels, as the API shows and takes them."""

from __future__ import annotations

from rest_framework import serializers

from accounts.calendars.choosing import CalendarField
from core.api.errors import invalid
from core.api.strict import Strict
from messaging.channels.base import KIND_CHOICES
from messaging.models import (
    Channel,
    Reconciliation,
)


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    """A channel. Credentials go in and never come out; which of them are set is told by `credentials_set`."""

    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    provider = serializers.CharField(max_length=32)
    credentials = serializers.DictField(
        child=serializers.JSONField(),
        write_only=True,
        required=False,
        help_text="By provider; a null leaves one as it is.",
    )
    credentials_set = serializers.SerializerMethodField()
    settings = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)
    rate_per_second = serializers.FloatField(required=False, allow_null=True, min_value=0.01, max_value=1000)

    business_hours = CalendarField()

    class Meta:
        model = Channel
        fields = [
            "id", "kind", "provider", "name", "address", "credentials", "credentials_set", "settings", "is_enabled",
            "is_default", "rate_per_second", "business_hours", "last_error", "last_error_at", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "last_error", "last_error_at", "created_at"]

    def get_credentials_set(self, channel: Channel) -> list[str]:
        return channel.credential_keys

    def to_internal_value(self, data: object) -> object:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise invalid(unknown[0], "Not a field of a channel.", code="unknown")
        return super().to_internal_value(data)


class ProblemSerializer(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()


class WebhookSerializer(serializers.Serializer[object]):
    purpose = serializers.CharField(help_text="`inbound` or `status`.")
    label = serializers.CharField(help_text="Where it is entered at the provider.")  # type: ignore[assignment]
    url = serializers.CharField(help_text="To be entered as it stands, with the retry options behind it.")
    found = serializers.CharField(allow_null=True, help_text="What is set there now; null where it can't be seen.")
    is_right = serializers.BooleanField(allow_null=True)


class CheckSerializer(serializers.Serializer[object]):
    is_ok = serializers.BooleanField()
    problems = ProblemSerializer(many=True)
    webhooks = WebhookSerializer(many=True)


class ReconciliationSerializer(serializers.ModelSerializer[Reconciliation]):
    found = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Reconciliation
        fields = [
            "id", "channel", "state", "since", "until", "inbound_listed", "inbound_found", "outbound_listed",
            "statuses_found", "elsewhere_found", "found", "error", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ReconcileSerializer(Strict):
    since = serializers.DateTimeField(required=False, help_text="Default: where the last time ended.")
    until = serializers.DateTimeField(required=False, help_text="Default: now.")
