from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.ids import uuid7
from core.tenancy import TenantModel

# Shown by a browser as what they are; everything else is only ever a download. An SVG is a program, not a picture.
DISPLAYABLE_PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def place_of(file: MediaFile, filename: str) -> str:
    """Where it is kept: by ids only, so that nobody's name stands on a disk and nothing typed becomes a path."""
    return f"messages/{file.organization_id}/{uuid7()}"


class MediaFile(TenantModel):
    """The bytes of a file that came or goes with messages, kept out of the web root; several may share it."""

    content = models.FileField(upload_to=place_of, max_length=200)
    thumbnail = models.FileField(upload_to=place_of, max_length=200, blank=True)
    name = OneLine(max_length=255)
    content_type = OneLine(max_length=100)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="media_file_by_age")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        return self.content_type in DISPLAYABLE_PICTURES

    @property
    def is_shown(self) -> bool:
        """Whether a browser may show it in place: a picture, a sound or a PDF."""
        return self.is_picture or self.content_type.startswith("audio/") or self.content_type == "application/pdf"
