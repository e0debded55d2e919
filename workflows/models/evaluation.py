"""What every rule decided about an event."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from activity.models import Event
from core.tenancy import TenantModel


class Evaluation(TenantModel):
    """An event that rules looked at: for each, why it acted or did not. One row for all rules of the event."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="+")
    # Of each rule: workflow, name, version, reason, conditions (as those of a run).
    decisions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="evaluation_oldest")]

    def __str__(self) -> str:
        return f"{self.event_id}"
