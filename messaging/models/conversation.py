from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models import Customer
from messaging.models.channel import Channel
from messaging.models.querysets import ConversationQuerySet


class Conversation(TenantModel):
    """A customer's thread on a channel. It is whose the customer is: one owner, one truth."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        PENDING = "pending", "Pending"
        SNOOZED = "snoozed", "Snoozed"
        RESOLVED = "resolved", "Resolved"

    class Priority(models.TextChoices):
        LOW = "low", "Low"
        NORMAL = "normal", "Normal"
        HIGH = "high", "High"
        URGENT = "urgent", "Urgent"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="conversations")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="conversations")
    # 1, unless a merge brought a second thread of the same channel along: then each keeps its own address.
    thread_number = models.PositiveSmallIntegerField(default=1, db_default=1, editable=False)
    # Where replies go: the address that the customer last wrote from here, or where their mail asks for them.
    address = OneLine(max_length=254)
    # Staff chose to answer where the customer writes from, whatever Reply-To asks for.
    is_answered_at_sender = models.BooleanField(default=False, db_default=False, editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    priority = models.CharField(max_length=8, choices=Priority.choices, default=Priority.NORMAL)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    unread_count = models.PositiveIntegerField(default=0)
    # The newest message; queued and failed ones don't count.
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    last_outbound_at = models.DateTimeField(null=True, blank=True)
    # The provider reported that the reply window is closed; it is until the customer writes again.
    window_closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="Since when the customer has no answer.")
    # What the list shows and is ordered by; a queued message counts here.
    last_message = models.ForeignKey(
        "messaging.Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_message_at = models.DateTimeField(default=timezone.now)
    last_message_preview = OneLine(max_length=200, blank=True)
    last_message_direction = models.CharField(max_length=8, blank=True)
    last_message_status = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(ConversationQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "customer", "channel", "thread_number"], name="conversation_thread_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-last_message_at", "-id"], name="conversation_newest"),
            models.Index(fields=["organization", "status", "-last_message_at", "-id"], name="conversation_by_status"),
            models.Index(
                fields=["organization", "waiting_since", "id"],
                condition=Q(waiting_since__isnull=False),
                name="conversation_waiting",
            ),
            # The beat ends snoozes of all organizations.
            models.Index(
                fields=["snoozed_until"], condition=Q(snoozed_until__isnull=False), name="conversation_snooze_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} on {self.channel}"

    @property
    def window_expires_at(self) -> datetime | None:
        """When free text stops being allowed; None where the channel has no such window or nobody wrote yet."""
        window = self.channel.capabilities.reply_window
        if window is None or self.last_inbound_at is None:
            return None
        expires = self.last_inbound_at + window
        if self.window_closed_at is not None and self.window_closed_at > self.last_inbound_at:
            return min(expires, self.window_closed_at)
        return expires

    @property
    def is_window_open(self) -> bool:
        return self.is_window_open_at(timezone.now())

    def is_window_open_at(self, moment: datetime) -> bool:
        """Whether free text may go out at that moment."""
        if self.channel.capabilities.reply_window is None:
            return True
        expires = self.window_expires_at
        return expires is not None and moment < expires
