from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantModel


class CustomField(TenantModel):
    """A field that an organization defined for its records; the values stand in their `custom_fields`."""

    class Entity(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        CONTACT = "contact", "Contact"
        DEAL = "deal", "Deal"

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        BOOLEAN = "boolean", "Yes or no"
        CHOICE = "choice", "One of several"
        MULTI_CHOICE = "multi_choice", "Some of several"
        URL = "url", "Link"

    entity = models.CharField(max_length=16, choices=Entity.choices, default=Entity.CUSTOMER)
    key = models.SlugField(max_length=40, help_text="What the API and imports call it: letters, digits, _ and -.")
    label = OneLine(max_length=80)
    type = models.CharField(max_length=16, choices=Type.choices, default=Type.TEXT)
    choices = models.JSONField(default=list, blank=True, help_text="For choices: the words to choose from.")
    is_required = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "entity", "key"], name="custom_field_key_once"),
            models.CheckConstraint(condition=~Q(label=""), name="custom_field_has_label"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def has_choices(self) -> bool:
        return self.type in (self.Type.CHOICE, self.Type.MULTI_CHOICE)
