from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.strict import Body, Strict
from customers.models import Customer
from workflows.models import Notification, NotificationSettings
from workflows.notifications.kinds.registry import KINDS, Kind, Way
from workflows.notifications.preferences import Preferences
from workflows.notifications.queries import Line, line_of

Quiet = NotificationSettings.Quiet
_NAMES = {"type": "array", "items": {"type": "string", "enum": [way.value for way in Way]}}
_BY_TYPE: dict[str, object] = {
    "type": "object",
    "description": "By a type the ways by which it is told; none: it is not.",
    "example": {"message": ["page", "browser", "email"], "job": []},
}


class NotificationParameters(ListParameters):
    unread = serializers.BooleanField(required=False, allow_null=True, default=None, help_text="Without it: both.")
    type = serializers.CharField(required=False, max_length=40, help_text="A type, as the preferences list them.")

    def validate_type(self, value: str) -> str:
        return _known(value)


class ReadAllSerializer(Strict):
    type = serializers.CharField(required=False, max_length=40, help_text="Only those of a type.")

    def validate_type(self, value: str) -> str:
        return _known(value)


class ReadCountSerializer(serializers.Serializer[Body]):
    read = serializers.IntegerField(help_text="How many were unread.")


class ConcernedSerializer(serializers.Serializer[Customer]):
    """Whom it is about."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """A line for the caller."""

    type = serializers.CharField(source="kind")
    text = serializers.SerializerMethodField(help_text="One sentence.")
    detail = serializers.SerializerMethodField(help_text="What stands beside it; may be empty.")
    url = serializers.SerializerMethodField(help_text="The page that it leads to.")
    customer = ConcernedSerializer(allow_null=True)
    is_read = serializers.BooleanField()

    class Meta:
        model = Notification
        fields = ["id", "type", "text", "detail", "url", "customer", "count", "is_read", "created_at", "raised_at",
                  "read_at"]  # fmt: skip
        read_only_fields = fields

    def get_text(self, row: Notification) -> str:
        return self._line(row).sentence

    def get_detail(self, row: Notification) -> str:
        return self._line(row).detail

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, row: Notification) -> str:
        return f"{settings.PUBLIC_BASE_URL.rstrip('/')}{self._line(row).url}"

    def _line(self, row: Notification) -> Line:
        """In words, with times as they are where the organization works."""
        organization = self.context["member"].organization
        with timezone.override(organization.zone):
            return line_of(row, organization.slug)


@extend_schema_field({**_BY_TYPE, "additionalProperties": {"oneOf": [_NAMES, {"type": "null"}]}})
class ChosenWaysField(serializers.DictField):
    """The ways that were chosen, by type; null leaves a type to the next above."""

    child = serializers.ListField(child=serializers.CharField(max_length=40), allow_null=True, max_length=len(Way))


@extend_schema_field({**_BY_TYPE, "additionalProperties": _NAMES})
class EffectiveWaysField(serializers.DictField):
    """What holds."""


class QuietSerializer(serializers.Serializer[Body]):
    """The quiet hours that hold."""

    quiet = serializers.CharField()
    quiet_from = serializers.TimeField(allow_null=True, format="%H:%M")
    quiet_until = serializers.TimeField(allow_null=True, format="%H:%M")


class TypeSerializer(serializers.Serializer[Body]):
    """A type of notification."""

    type = serializers.CharField()
    name = serializers.CharField()


class PreferencesSerializer(Strict):
    ways = ChosenWaysField(required=False, help_text="What was chosen; a type that is not here follows the next above.")
    quiet = serializers.ChoiceField(choices=Quiet.choices, required=False, help_text="Empty: as the organization says.")
    quiet_from = serializers.TimeField(required=False, allow_null=True, format="%H:%M")
    quiet_until = serializers.TimeField(required=False, allow_null=True, format="%H:%M")
    effective_ways = EffectiveWaysField(read_only=True)
    effective_quiet = QuietSerializer(read_only=True)
    types = TypeSerializer(many=True, read_only=True)


def shown(row: NotificationSettings | None, holds: Preferences, kinds: list[Kind]) -> Body:
    """What `PreferencesSerializer` represents: what was chosen, and what holds."""
    quiet = holds.quiet
    return {
        "ways": dict(row.ways) if row is not None else {},
        "quiet": row.quiet if row is not None else Quiet.INHERITED.value,
        "quiet_from": row.quiet_from if row is not None else None,
        "quiet_until": row.quiet_until if row is not None else None,
        "effective_ways": {kind.name: [way.value for way in Way if way in holds.ways(kind)] for kind in kinds},
        "effective_quiet": {"quiet": str(quiet.mode), "quiet_from": quiet.begins, "quiet_until": quiet.ends},
        "types": [{"type": kind.name, "name": str(kind.label)} for kind in kinds],
    }


def _known(value: str) -> str:
    if value not in KINDS:
        raise serializers.ValidationError(f"Not a type. Use: {', '.join(KINDS.names())}.")
    return value
