from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.querysets import OfCustomerQuerySet


class Contact(TenantModel):
    """A person tied to a customer: a student, a patient, a parent, who pays the bills.

    Phone and e-mail are how to reach them and are nobody's identity: a parent and two pupils share a phone.
    """

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="contacts")
    name = OneLine(max_length=200)
    relationship = OneLine(max_length=40, blank=True, help_text="student, patient, parent, billing, …")
    email = OneLine("e-mail", max_length=254, blank=True)
    phone = OneLine(max_length=20, blank=True, help_text="E.164")
    birth_date = models.DateField(null=True, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(OfCustomerQuerySet)()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="contact_has_name")]
        indexes = [
            models.Index(fields=["organization", "customer", "created_at"], name="contact_of_customer"),
            models.Index(fields=["organization", "-created_at", "-id"], name="contact_newest"),
        ]

    def __str__(self) -> str:
        return self.name
