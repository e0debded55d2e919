from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.ids import uuid7


class BrowserSession(models.Model):
    """What the list of devices says of a session: by which browser, from where, since when."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browser_sessions")
    # Of Django's session. No reference: that row is deleted and made anew whenever its key changes.
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = OneLine(max_length=300, blank=True)
    address = OneLine(max_length=45, blank=True)
    # By which organization's provider it was begun or went on; it ends with the provider.
    provider = models.ForeignKey(
        "accounts.SignInProvider", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"session of {self.user_id}"
