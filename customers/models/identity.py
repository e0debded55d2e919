from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantModel


class Identity(TenantModel):
    """An address of a customer: one owner each in the organization.

    `value` is what is written to; `match_key` is what is compared: national variants of a phone and any case of an
    e-mail have the same.
    """

    class Kind(models.TextChoices):
        PHONE = "phone", "Phone"
        EMAIL = "email", "E-mail"
        WHATSAPP_USER = "whatsapp_user", "WhatsApp user"

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = OneLine(max_length=254)
    match_key = OneLine(max_length=254, editable=False)
    is_primary = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "identities"
        ordering = ["-is_primary", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "match_key"], name="identity_has_one_owner")
        ]
        indexes = [models.Index(fields=["organization", "customer"], name="identity_of_customer")]

    def __str__(self) -> str:
        return self.value
