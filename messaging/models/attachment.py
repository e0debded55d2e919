from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel
from messaging.models.message import Message


class Attachment(TenantModel):
    """A file that came with a message. Where the provider keeps it is never shown to a browser."""

    class State(models.TextChoices):
        REMOTE = "remote", "At the provider"
        STORED = "stored", "Stored"
        FAILED = "failed", "Could not be fetched"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    content_type = models.CharField(max_length=100)
    filename = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    source_url = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.REMOTE)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="attachment_position_once")]

    def __str__(self) -> str:
        return self.filename or self.content_type

    @property
    def media_kind(self) -> str:
        """image, audio, video or file."""
        major = self.content_type.split("/")[0]
        return major if major in ("image", "audio", "video") else "file"
