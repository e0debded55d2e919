from __future__ import annotations

from rest_framework import serializers

from accounts.hand_over.parts import own_parts
from accounts.hand_over.services import DEACTIVATE, END, REMOVE
from core.api.strict import Strict

KEEP, CANCEL = "hand_over", "cancel"


class BelongingsSerializer(serializers.Serializer[object]):
    kind = serializers.CharField(source="part.name")
    name = serializers.CharField(source="part.label", help_text="In words.")
    count = serializers.IntegerField(min_value=0)
    goes_with = serializers.CharField(
        source="part.goes_with", help_text="The kind that these go along with; empty for one handed over by itself."
    )


class BelongingsListSerializer(serializers.Serializer[object]):
    kinds = BelongingsSerializer(many=True)


class HandOverSerializer(Strict):
    successor = serializers.UUIDField(help_text="The id of another active member’s user.")
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        min_length=1,
        max_length=40,
        help_text="Only these, as GET names them; everything without it.",
    )
    queued_messages = serializers.ChoiceField(
        choices=(KEEP, CANCEL),
        required=False,
        default=KEEP,
        help_text="Whether messages that wait to be sent leave under the successor’s name, or are cancelled.",
    )
    by_kind = serializers.DictField(
        child=serializers.CharField(max_length=40),
        required=False,
        help_text="Who gets a kind instead: by its name the id of another user, `leave`, or `cancel` where that is "
        "possible.",
    )
    then = serializers.ChoiceField(
        choices=(DEACTIVATE, REMOVE),
        required=False,
        help_text="What happens to the member at once; without it they stay as they are.",
    )


def choices_of(data: dict[str, object]) -> dict[str, str]:
    """The choice for each kind that has one of its own, of a checked body."""
    can_end = [part.name for part in own_parts() if part.end is not None]
    kinds = data.get("kinds")
    chosen = [name for name in can_end if not isinstance(kinds, list) or name in kinds]
    by_kind = data.get("by_kind", {})
    assert isinstance(by_kind, dict)  # noqa: S101 - a DictField
    return (dict.fromkeys(chosen, END) if data["queued_messages"] == CANCEL else {}) | by_kind
