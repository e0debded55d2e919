from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from core.fields import OneLine
from core.tenancy import TenantModel


class Tag(TenantModel):
    """A word that groups customers; one spelling in an organization, whatever the case."""

    name = OneLine(max_length=50)
    color = models.CharField(max_length=20, default="slate")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="tag_name_once")]

    def __str__(self) -> str:
        return self.name
