from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from messaging.channels.base import Kind
from messaging.models.media import MediaFile
from messaging.models.querysets import TemplateQuerySet

# The language of a template that serves everybody.
ANY_LANGUAGE = "und"


class Template(TenantModel):
    """Reusable text for a channel, with placeholders; of one name there may be one for each language.

    One with a `provider_template_id` is the provider's: approved there, sent by that id, its body read from there.
    """

    class Sharing(models.TextChoices):
        EVERYBODY = "everybody", "Everybody"
        TEAM = "team", "One team"
        AUTHOR = "author", "Only me"

    class ContentStatus(models.TextChoices):
        APPROVED = "approved", "Approved"
        PENDING = "pending", "Waiting for approval"
        REJECTED = "rejected", "Rejected"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"
        UNSUBMITTED = "unsubmitted", "Not submitted"
        GONE = "gone", "Deleted at the provider"
        UNKNOWN = "", "Not known yet"

    key = models.SlugField(max_length=40, help_text="What rules call it by; one for each language.")
    name = OneLine(max_length=120)
    channel = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    language = models.CharField(
        max_length=16, default=ANY_LANGUAGE, help_text="BCP 47, such as en or pt-BR; und: for everybody."
    )
    category = OneLine(max_length=60, blank=True)
    subject = OneLine(max_length=200, blank=True)
    body = models.TextField()
    # An approved template of the provider's; filled in by the provider.
    provider_template_id = OneLine(max_length=64, blank=True, db_column="content_sid")
    content_variables = models.JSONField(default=dict, blank=True)
    content_status = models.CharField(
        max_length=12, choices=ContentStatus.choices, blank=True, default="", db_default="", editable=False
    )
    content_reason = OneLine(max_length=300, blank=True, default="", db_default="", editable=False)
    # As the provider holds it: kind, body, variables with samples, media, actions, category.
    content = models.JSONField(null=True, blank=True, editable=False)
    content_synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    sharing = models.CharField(
        max_length=12, choices=Sharing.choices, default=Sharing.EVERYBODY, db_default=Sharing.EVERYBODY.value
    )
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    files = models.ManyToManyField(MediaFile, blank=True, related_name="templates")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(TemplateQuerySet)()

    class Meta:
        ordering = ["name", "language", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key", "channel", "language"], name="template_key_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(body=""), name="template_says_something"),
        ]
        indexes = [models.Index(fields=["organization", "channel", "name"], name="template_of_channel")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_content(self) -> bool:
        """Whether it is sent by the provider's id, so that it may go out after the reply window has closed."""
        return bool(self.provider_template_id)

    @property
    def can_be_sent(self) -> bool:
        """Not one that the provider is known to refuse."""
        return not self.provider_template_id or self.content_status in ("", self.ContentStatus.APPROVED)
