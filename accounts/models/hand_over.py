from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activity.models import Job
from core.tenancy import TenantManager, TenantModel


class HandedOver(TenantModel):
    """A record that a hand-over looked at: whose it was, and whose it is. No name or title of it is kept here."""

    class Outcome(models.TextChoices):
        GIVEN = "given", _("Handed over")
        ALONG = "along", _("Went along with its customer")
        CANCELLED = "cancelled", _("Cancelled")
        KEPT = "kept", _("Left as it was")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    # The name of an accounts.hand_over.parts.Part.
    kind = models.CharField(max_length=40)
    record_id = models.UUIDField()
    before = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    after = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "kind", "record_id"], name="handed_over_once")]
        indexes = [models.Index(fields=["created_at"], name="handed_over_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.record_id} ({self.outcome})"
