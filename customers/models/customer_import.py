from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.ids import uuid7
from core.tenancy import TenantModel
from customers.models.change_set import ChangeSet


def place_of(upload: CustomerImport, filename: str) -> str:
    """By ids only: nothing typed becomes a path."""
    return f"imports/{upload.organization_id}/{uuid7()}"


class CustomerImport(TenantModel):
    """A file of customers: uploaded, mapped, tried, imported, perhaps reverted. A job does the work."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        CHECKED = "checked", "Tried"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        UNDONE = "undone", "Undone"

    class OnDuplicate(models.TextChoices):
        SKIP = "skip", "Leave the customer as they are"
        UPDATE = "update", "Fill in what the file says"
        CREATE = "create", "Make another customer"

    name = OneLine(max_length=255, help_text="The file's name.")
    source_file = models.FileField(upload_to=place_of, max_length=200)
    rejected_file = models.FileField(upload_to=place_of, max_length=200, blank=True)
    format = models.CharField(max_length=8, help_text="csv or xlsx")
    dialect = models.JSONField(default=dict, blank=True, help_text="Encoding and delimiter, or the sheet.")
    headers = models.JSONField(default=list, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    mapping = models.JSONField(default=dict, blank=True, help_text="Column → field; custom.<key> too.")
    on_duplicate = models.CharField(max_length=8, choices=OnDuplicate.choices, default=OnDuplicate.SKIP)
    state = models.CharField(max_length=8, choices=State.choices, default=State.UPLOADED)
    job_id = models.UUIDField(null=True, blank=True, editable=False)
    change_set = models.ForeignKey(ChangeSet, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    result = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="import_newest")]

    def __str__(self) -> str:
        return self.name
