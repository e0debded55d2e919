from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.tenancy import TenantModel
from messaging.channels.base import Kind

# The language of a template that serves everybody.
ANY_LANGUAGE = "und"


class Template(TenantModel):
    """Reusable text for a channel, with placeholders; of one name there may be one for each language."""

    key = models.SlugField(max_length=40, help_text="What rules call it by; one for each language.")
    name = models.CharField(max_length=120)
    channel = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    language = models.CharField(
        max_length=16, default=ANY_LANGUAGE, help_text="BCP 47, such as en or pt-BR; und: for everybody."
    )
    category = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    # An approved template of the provider's; filled in by the provider.
    content_sid = models.CharField(max_length=64, blank=True)
    content_variables = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "language", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key", "channel", "language"], name="template_key_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(body=""), name="template_says_something"),
        ]
        indexes = [models.Index(fields=["organization", "channel", "name"], name="template_of_channel")]

    def __str__(self) -> str:
        return self.name
