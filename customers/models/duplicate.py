from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.tenancy import TenantModel


class DuplicatePair(TenantModel):
    """Two customers that are likely one, with what speaks for it. `first` is the one with the smaller id."""

    first = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    reasons = models.JSONField(default=list, help_text="phone, email, name_and_company, name_and_address")
    score = models.PositiveSmallIntegerField(default=0, help_text="0 to 100")
    dismissed_at = models.DateTimeField(null=True, blank=True, help_text="When somebody said that they are two.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
        ]
        indexes = [models.Index(fields=["organization", "-score", "-id"], name="duplicate_likeliest")]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}: {', '.join(self.reasons)}"
