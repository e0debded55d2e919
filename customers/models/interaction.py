from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.querysets import OfCustomerQuerySet


class Interaction(TenantModel):
    """A call, meeting, note or other interaction outside of the channels, logged by hand."""

    class Channel(models.TextChoices):
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        WHATSAPP = "whatsapp", "WhatsApp"
        SMS = "sms", "SMS"
        MEETING = "meeting", "Meeting"
        NOTE = "note", "Note"
        OTHER = "other", "Other"

    class Direction(models.TextChoices):
        INBOUND = "inbound", "From them"
        OUTBOUND = "outbound", "From us"
        INTERNAL = "internal", "Among us"

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="interactions")
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.NOTE)
    direction = models.CharField(max_length=16, choices=Direction.choices, default=Direction.INTERNAL)
    content = models.TextField()
    occurred_at = models.DateTimeField(default=timezone.now)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    author_label = OneLine(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(OfCustomerQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "customer", "-occurred_at", "-id"], name="interaction_of_customer"),
            models.Index(fields=["organization", "-occurred_at", "-id"], name="interaction_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.content[:60]}"

    @property
    def minutes(self) -> int:
        """The duration in whole minutes, one at least."""
        return max(1, round((self.duration_seconds or 0) / 60))
