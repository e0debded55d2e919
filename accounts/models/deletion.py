from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.claims import Claimable
from core.fields import OneLine
from core.ids import uuid7


class OrganizationDeletion(Claimable):
    """An organization that was deleted, as the installation remembers it: it outlives the organization.

    At `due_at`, 30 days after it was asked for, a worker begins to destroy everything. Once that is done the row has
    only what names nobody: address, a digest of the name, when, by whom, and how much there was.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No foreign key: the row is what is left.
    organization_id = models.UUIDField(unique=True, editable=False)
    slug = models.CharField(max_length=60, editable=False)
    name_hash = models.CharField(max_length=64, editable=False, help_text=_("SHA-256 of the name."))
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    requested_by = OneLine(max_length=254, editable=False)
    purge_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Rows of each model that were destroyed, and files; so far, while it is under way.
    counts = models.JSONField(default=dict, db_default={}, editable=False)
    last_error = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="organization_deletion_due")]

    def __str__(self) -> str:
        return f"deletion of {self.slug}"

    @property
    def rows(self) -> int:
        """How many rows were destroyed so far."""
        return sum(count for name, count in self.counts.items() if name != "files")

    @property
    def is_set_aside(self) -> bool:
        """Whether it was tried too often, and waits for a person."""
        return self.finished_at is None and self.due_at is None
