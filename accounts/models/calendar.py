"""Business calendars: when an organization, a team or a channel works."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from accounts.models.organization import validate_timezone
from core.fields import OneLine
from core.tenancy import TenantModel


class BusinessCalendar(TenantModel):
    """Opening hours, as `accounts.calendars.parsing` writes and reads them."""

    name = OneLine(max_length=80)
    timezone = models.CharField(
        max_length=64, blank=True, validators=[validate_timezone], help_text="Empty: the organization's."
    )
    weekly = models.JSONField(default=dict, blank=True)
    exceptions = models.JSONField(default=list, blank=True)
    holiday_country = models.CharField(max_length=2, blank=True)
    holiday_region = models.CharField(max_length=40, blank=True)
    # A closing ends by itself: after `closed_until` the row says nothing any more.
    closed_from = models.DateTimeField(null=True, blank=True)
    closed_until = models.DateTimeField(null=True, blank=True)
    closed_text = models.TextField(max_length=500, blank=True)
    is_default = models.BooleanField(default=False, help_text="For all that has no calendar of its own.")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="calendar_name_once"),
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(is_default=True), name="calendar_default_once"
            ),
            models.CheckConstraint(
                condition=models.Q(closed_from=None, closed_until=None)
                | models.Q(closed_from__isnull=False, closed_until__gt=models.F("closed_from")),
                name="calendar_closing_is_a_span",
            ),
        ]

    def __str__(self) -> str:
        return self.name
