from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantModel


class Consent(TenantModel):
    """A row of the consent ledger: the newest for a channel and purpose is in force. Rows are never changed."""

    class Purpose(models.TextChoices):
        MESSAGES = "messages", "Messages"
        FINANCIAL_INFERENCE = "financial_inference", "Financial inference"

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=16, blank=True, help_text="whatsapp, sms or email; empty: every channel.")
    purpose = models.CharField(max_length=32, choices=Purpose.choices, default=Purpose.MESSAGES)
    is_granted = models.BooleanField()
    how = OneLine(max_length=200, help_text="By what: “wrote STOP”, “told the reception”.")
    proof = OneLine(max_length=200, blank=True, help_text="What shows it, such as a message's id.")
    actor_label = OneLine(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "purpose", "-created_at"], name="consent_in_force")]

    def __str__(self) -> str:
        return f"{'granted' if self.is_granted else 'withdrawn'}: {self.purpose} {self.channel}"
