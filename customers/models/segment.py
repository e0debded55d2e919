from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.querysets import SegmentQuerySet


class Segment(TenantModel):
    """A saved view of the list: its filters, and on the page its order and columns. Who it shows is decided by who
    looks: a shared segment shows everybody their own reach."""

    name = OneLine(max_length=80)
    filter = models.JSONField(default=dict, blank=True, help_text="The list's filters, as its API names them.")
    ordering = models.CharField(max_length=40, blank=True)
    columns = models.JSONField(default=list, blank=True)
    is_shared = models.BooleanField(default=False, help_text="Everybody in the organization sees it.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(SegmentQuerySet)()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "owner", "name"], name="segment_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="segment_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
