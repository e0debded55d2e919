from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.claims import Claimable
from core.fields import OneLineTexts


class SecurityNotice(Claimable):
    """A mail that tells somebody what was changed about their sign-in; the worker writes it, and the row goes."""

    class Kind(models.TextChoices):
        NEW_DEVICE = "new_device", _("A sign-in from a new device")
        FACTOR_ADDED = "factor_added", _("A second factor was added")
        FACTOR_REMOVED = "factor_removed", _("A second factor was removed")
        FACTOR_RESET = "factor_reset", _("Your second factor was reset")
        CODE_USED = "code_used", _("A recovery code was used")
        CONNECTED = "connected", _("A sign-in by your organization’s provider was connected")
        DISCONNECTED = "disconnected", _("A sign-in by your organization’s provider was disconnected")
        ORGANIZATION_DELETED = "org_deleted", _("An organization was deleted")
        ORGANIZATION_RESTORED = "org_restored", _("A deleted organization was restored")
        ORGANIZATION_PURGED = "org_purged", _("A deleted organization was destroyed")
        IMPERSONATED = "impersonated", _("Somebody acts as you")
        CODES_RENEWED = "codes_renewed", _("New recovery codes were made")
        ACCOUNT_MADE = "account_made", _("An account was made for you")
        EMAIL_CHANGED = "email_changed", _("Your e-mail address was changed")

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # What its sentences name: which factor, by whom, by which browser, how many codes are left. `to` is the address
    # that it goes to, where that is not the user's of now.
    details = OneLineTexts(default=dict, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="security_notice_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user_id}"
