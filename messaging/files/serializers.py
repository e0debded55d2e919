"""Files to be sent, as the API shows and takes them."""

from __future__ import annotations

from rest_framework import serializers

from core.api.strict import Strict
from messaging.channels.base import KIND_CHOICES
from messaging.models import (
    MediaFile,
)


class MediaSerializer(serializers.ModelSerializer[MediaFile]):
    class Meta:
        model = MediaFile
        fields = ["id", "name", "content_type", "size", "created_at"]
        read_only_fields = fields


class NewMediaSerializer(Strict):
    file = serializers.FileField(max_length=255)
    channel = serializers.ChoiceField(
        choices=KIND_CHOICES, required=False, help_text="Checked against what this kind of channel takes."
    )
