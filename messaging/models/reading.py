"""Rows of what is read at providers regularly; each row is its own place in the queue."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.models.channel import Channel


class Mailbox(TenantModel, Claimable):
    """How far a channel's mailbox was read. The cursor moves in the transaction that keeps the mail."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="mailbox")
    folder = OneLine(max_length=255, default="INBOX")
    uidvalidity = models.BigIntegerField(null=True, blank=True, help_text="Another one: all UIDs mean other mails.")
    last_uid = models.BigIntegerField(default=0)
    newest_at = models.DateTimeField(null=True, blank=True, help_text="When the newest mail that was read came.")
    checked_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = OneLine(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "mailboxes"
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="mailbox_due")]

    def __str__(self) -> str:
        return f"{self.channel} {self.folder}"


class ContentSync(TenantModel, Claimable):
    """When the provider's own templates were read last, and when they are to be read next."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="content_sync")
    synced_at = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)
    last_error = OneLine(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="content_sync_due")]

    def __str__(self) -> str:
        return str(self.channel)


class Reconciliation(TenantModel, Claimable):
    """A backfill: the range that was requested from a provider, and its result."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="reconciliations")
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # How many the provider listed, and how many of them were news to us.
    inbound_listed = models.PositiveIntegerField(default=0)
    inbound_found = models.PositiveIntegerField(default=0)
    outbound_listed = models.PositiveIntegerField(default=0)
    statuses_found = models.PositiveIntegerField(default=0)
    elsewhere_found = models.PositiveIntegerField(default=0, help_text="Sent from this number, but not by Parley.")
    found = models.JSONField(default=list, blank=True, help_text="The first of what was found, a row each.")
    error = OneLine(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=models.Q(state="waiting"), name="reconciliation_one_waiting"
            ),
            models.CheckConstraint(condition=models.Q(since__lt=models.F("until")), name="reconciliation_has_a_range"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="reconciliation_due"),
            models.Index(fields=["organization", "-created_at"], name="reconciliation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.since:%Y-%m-%d}"
