from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from core.claims import Claimable
from core.fields import OneLine
from core.ids import uuid7
from messaging.models.channel import Channel
from messaging.models.message import Message


class Arrival(Claimable):
    """An inbound delivery of a provider, stored as it came before it is processed.

    It may have no organization: a delivery that can't be routed is stored, shown and replayed too.
    """

    class Type(models.TextChoices):
        MESSAGE = "message", "Message"
        STATUS = "status", "Status"

    class State(models.TextChoices):
        PENDING = "pending", "To be processed"
        DONE = "done", "Processed"
        UNROUTABLE = "unroutable", "No channel"
        UNVERIFIED = "unverified", "Unverified"
        SET_ASIDE = "set_aside", "Set aside"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True, help_text="The same key is the same arrival.")
    provider = models.CharField(max_length=32)
    kind = models.CharField(max_length=16, help_text="whatsapp, sms, email or web.")
    type = models.CharField(max_length=8, choices=Type.choices)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="arrivals")
    body = models.BinaryField(help_text="As received: bytes, since a text column can't hold all that arrives.")
    query = models.CharField(max_length=500, blank=True)
    # Signature, URL, path and content type of a webhook: without a channel there is no token to verify it with yet.
    proof = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="Signature, address and type as it came; by these it is verified later.",
    )
    account_id = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False, help_text="As the delivery names it."
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    outcome = OneLine(max_length=200, blank=True)
    last_error = models.TextField(blank=True)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "due_at"], condition=Q(due_at__isnull=False), name="arrival_due_in_turn"
            ),
            models.Index(fields=["state", "-received_at"], name="arrival_by_state"),
            models.Index(fields=["organization", "-received_at"], name="arrival_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.type} {self.key}"
