from __future__ import annotations

from django.db import models

from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.models.message import Message


class MailDetails(TenantModel):
    """What an e-mail has beyond a message."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="mail")
    html = models.TextField(blank=True, help_text="Cleaned; shown in a sandboxed frame only.")
    folded = models.TextField(blank=True, help_text="Quoted text and signature, which the message's body lacks.")
    to = models.JSONField(default=list, blank=True)
    cc = models.JSONField(default=list, blank=True)
    references = models.JSONField(default=list, blank=True, help_text="Message-IDs without brackets, oldest first.")
    reply_to = OneLine(max_length=254, blank=True, help_text="Where its writer wants answers, if elsewhere.")
    automatic = OneLine(max_length=60, blank=True, help_text="Why it is no person's own mail.")
    digest = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        editable=False,
        help_text="Of who wrote it and what it says: a repeat has the same.",
    )

    class Meta:
        verbose_name_plural = "mail details"

    def __str__(self) -> str:
        return str(self.message_id)


class StoppedAddress(TenantModel):
    """An address that a provider says will not take what we send; nothing goes there until somebody lifts it."""

    kind = models.CharField(max_length=16)
    address = OneLine(max_length=254)
    code = OneLine(max_length=32, blank=True)
    reason = OneLine(max_length=300)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "kind", "address"], name="stopped_address_once")]

    def __str__(self) -> str:
        return self.address
