from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.pipeline import Stage
from customers.models.querysets import OfCustomerQuerySet


class Deal(TenantModel):
    """Money at stake with a customer."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="deals")
    title = OneLine(max_length=200)
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="GBP", help_text="ISO 4217")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    stage = models.ForeignKey(Stage, null=True, blank=True, on_delete=models.PROTECT, related_name="deals")
    probability = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Per cent; empty: that of the stage."
    )
    expected_close_on = models.DateField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lost_reason = OneLine(max_length=300, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(OfCustomerQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="deal_has_title"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="deal_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__lte=100), name="deal_probability_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="deal_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "customer", "-created_at"], name="deal_of_customer"),
            models.Index(fields=["organization", "-created_at", "-id"], name="deal_newest"),
            models.Index(fields=["organization", "stage", "-updated_at", "-id"], name="deal_board"),
            models.Index(
                fields=["organization", "expected_close_on", "id"],
                condition=Q(status="open"),
                name="deal_open_by_close",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def chance(self) -> int:
        """Per cent: its own, else its stage's; all or nothing once it is closed."""
        if self.status != self.Status.OPEN:
            return 100 if self.status == self.Status.WON else 0
        if self.probability is not None:
            return self.probability
        return self.stage.probability if self.stage is not None else 0
