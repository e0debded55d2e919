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


class OutcomeType(TenantModel):
    """A kind of business result: a consultation booked, a deposit paid."""

    key = models.SlugField(max_length=40)
    name = OneLine(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    color = models.CharField(max_length=20, default="slate")
    stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.SET_NULL, related_name="outcome_types",
        help_text="Where it moves the customer, forward only; to a lost stage from anywhere. Empty: they stay.",
    )  # fmt: skip
    is_converting = models.BooleanField(default=False, help_text="It counts as a conversion.")
    has_amount = models.BooleanField(default=False, help_text="Money belongs to it: the form asks for it.")

    class Meta:
        ordering = ["position", "key"]
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="outcome_type_key_once")]

    def __str__(self) -> str:
        return self.name


class Outcome(TenantModel):
    """A business result with a customer, counted by its `occurred_at`."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="outcomes")
    type = models.ForeignKey(OutcomeType, on_delete=models.PROTECT, related_name="outcomes")
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, default="GBP", help_text="ISO 4217")
    occurred_at = models.DateTimeField(default=timezone.now)
    note = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    author_label = OneLine(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(OfCustomerQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0), name="outcome_amount_not_negative"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "customer", "-occurred_at", "-id"], name="outcome_of_customer"),
            models.Index(fields=["organization", "-occurred_at", "-id"], name="outcome_newest"),
            models.Index(fields=["organization", "type", "occurred_at"], name="outcome_of_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type}: {self.customer}"
