from __future__ import annotations

from django.db import models

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.models.media import MediaFile
from messaging.models.message import Message


class Attachment(TenantModel, Claimable):
    """A file of a message. Where the provider keeps it is never shown to a browser; it is fetched at `due_at`."""

    class State(models.TextChoices):
        REMOTE = "remote", "At the provider"
        STORED = "stored", "Stored"
        FAILED = "failed", "Could not be fetched"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    content_type = OneLine(max_length=100)
    filename = OneLine(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    source_url = models.TextField(blank=True)
    file = models.ForeignKey(
        MediaFile, null=True, blank=True, on_delete=models.PROTECT, related_name="attachments", db_index=False
    )
    content_id = OneLine(max_length=255, blank=True, default="", db_default="")
    is_inline = models.BooleanField(default=False, db_default=False, help_text="A picture inside an e-mail's text.")
    reason = OneLine(max_length=300, blank=True, default="", db_default="", help_text="Why it is not here.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.REMOTE)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="attachment_position_once")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="attachment_due"),
            models.Index(fields=["file"], condition=models.Q(file__isnull=False), name="attachment_of_file"),
        ]

    def __str__(self) -> str:
        return self.filename or self.content_type

    @property
    def media_kind(self) -> str:
        """image, audio, video or file."""
        major = self.content_type.split("/")[0]
        return major if major in ("image", "audio", "video") else "file"
