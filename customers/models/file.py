from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.ids import uuid7
from core.tenancy import TenantManager, TenantModel
from customers.models.querysets import OfCustomerQuerySet


def place_of(file: CustomerFile, filename: str) -> str:
    """Where it is kept: by ids only, so that nobody's name stands on a disk and nothing typed becomes a path."""
    return f"customers/{file.organization_id}/{uuid7()}"


class CustomerFile(TenantModel):
    """A document that was put on a customer's page."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="files")
    content = models.FileField(upload_to=place_of, max_length=200)
    name = OneLine(max_length=255)
    content_type = OneLine(max_length=100, blank=True)
    size = models.PositiveBigIntegerField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(OfCustomerQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "-created_at"], name="file_of_customer")]

    def __str__(self) -> str:
        return self.name
