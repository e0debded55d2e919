from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.tenancy import TenantModel


class CalendarFeed(TenantModel):
    """A private address under which a calendar reads a member's tasks and follow-ups; only its hash is kept."""

    member = models.ForeignKey("accounts.Member", on_delete=models.CASCADE, related_name="calendar_feeds")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_read_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member"], name="calendar_feed_once")]

    def __str__(self) -> str:
        return f"calendar of {self.member_id}"
