from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models import Customer
from messaging.models.channel import Channel
from messaging.models.conversation import Conversation
from messaging.models.querysets import MessageQuerySet

STUCK_AFTER = timedelta(days=1)


class Message(TenantModel, Claimable):
    """One text in or out, or a private note. An outbound one is its own place in the queue (`due_at`)."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", "In"
        OUTBOUND = "outbound", "Out"

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        QUEUED = "queued", "Waiting to be sent"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"
        FAILED = "failed", "Not delivered"
        CANCELLED = "cancelled", "Cancelled"
        UNCONFIRMED = "unconfirmed", "Not confirmed"
        NOTE = "note", "Note"

    class Origin(models.TextChoices):
        PERSON = "person", "Person"
        WORKFLOW = "workflow", "Workflow"
        SEQUENCE = "sequence", "Sequence"
        API = "api", "API"
        ELSEWHERE = "elsewhere", "Elsewhere"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="messages")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="messages")
    direction = models.CharField(max_length=8, choices=Direction.choices)
    is_private = models.BooleanField(default=False)
    subject = OneLine(max_length=500, blank=True)
    body = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=Status.choices)
    address = OneLine(max_length=254, blank=True, help_text="The other side: from whom, or to whom.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.PERSON)
    reply_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    provider_message_id = OneLine(max_length=254, blank=True)
    error_code = OneLine(max_length=32, blank=True)
    error_message = OneLine(max_length=500, blank=True)
    not_before_at = models.DateTimeField(null=True, blank=True)
    cancel_on_inbound = models.BooleanField(default=False)
    # Written with this template; an approved one is sent by its id and values, and the body is what people here read.
    template = models.ForeignKey(
        "messaging.Template", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    provider_template_id = OneLine(max_length=64, blank=True, default="", db_default="", db_column="content_sid")
    content_variables = models.JSONField(null=True, blank=True)
    # What goes out instead when the reply window has closed by then.
    fallback_template = models.ForeignKey(
        "messaging.Template", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    fallback_variables = models.JSONField(null=True, blank=True)
    # Set in the moment before the request leaves: a claim that dies earlier is safe to send, a later one is not.
    request_began_at = models.DateTimeField(null=True, blank=True, editable=False)
    reconcile_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    location = models.JSONField(null=True, blank=True)
    button = models.JSONField(null=True, blank=True)
    referral = models.JSONField(null=True, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    # Which of an upper app's made it, where that is shown (threads.senders).
    sent_by: object = None

    objects: ClassVar = TenantManager.from_queryset(MessageQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="message_of_provider_once",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "-created_at", "-id"], name="message_thread"),
            models.Index(fields=["organization", "customer", "-created_at", "-id"], name="message_of_customer"),
            models.Index(fields=["organization", "direction", "-created_at", "-id"], name="message_newest"),
            models.Index(fields=["channel", "due_at"], condition=Q(due_at__isnull=False), name="message_due"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.status} {self.pk}"

    @property
    def is_stuck(self) -> bool:
        """Taken a day ago and not delivered since: WhatsApp tells nobody that a person has blocked the sender."""
        if (
            self.status != self.Status.SENT
            or self.sent_at is None
            or not self.channel.capabilities.has_delivery_receipts
        ):
            return False
        return self.sent_at < timezone.now() - STUCK_AFTER

    @property
    def can_retry(self) -> bool:
        return self.status in (self.Status.FAILED, self.Status.UNCONFIRMED)

    @property
    def can_cancel(self) -> bool:
        return self.status == self.Status.QUEUED
