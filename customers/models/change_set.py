"""Changes of many records at once, kept so that they can be put back: merges, bulk changes, imports."""

from __future__ import annotations

from datetime import timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantModel

UNDO_DAYS = 30


class ChangeSet(TenantModel):
    """One merge, bulk change or import; `changes` hold what was, row by row."""

    class Kind(models.TextChoices):
        MERGE = "merge", "Merge"
        BULK = "bulk", "Bulk change"
        IMPORT = "import", "Import"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    summary = OneLine(max_length=200, help_text="In words: “Moved 40 customers to Contacted”.")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = OneLine(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "kind", "-created_at"], name="change_set_newest")]

    def __str__(self) -> str:
        return self.summary

    @property
    def can_be_undone(self) -> bool:
        return self.undone_at is None and timezone.now() < self.created_at + timedelta(days=UNDO_DAYS)


class Change(TenantModel):
    """What one record was before, and what it became. Undoing puts back only what is still as the change left it."""

    change_set = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="changes")
    # Not a foreign key: a merge moves records of upper apps too, and an import's undo deletes what it speaks of.
    model = models.CharField(max_length=64, help_text="Such as customers.customer.")
    object_id = models.CharField(max_length=64)
    action = models.CharField(max_length=16, help_text="created, updated, moved")
    before = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        # A change set belongs to one organization.
        indexes = [models.Index(fields=["change_set", "id"], name="change_of_set")]

    def __str__(self) -> str:
        return f"{self.action} {self.model} {self.object_id}"
