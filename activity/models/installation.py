from __future__ import annotations

import uuid

from django.db import models

from core.encryption import EncryptedJSONField
from core.fields import OneLine


class Installation(models.Model):
    """Which installation the database belongs to, in one row; `activity.installation` compares it with the data folder.

    The epoch is a counter that a running worker advances: a database whose epoch is behind what was seen was restored.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    identity = models.UUIDField(default=uuid.uuid4, editable=False)
    # The identities before; a new one is given with each decision about a copy.
    former = models.JSONField(default=list, editable=False)
    # Which database this is, as its server knows it: a dump that was read in elsewhere is another.
    database = OneLine(max_length=100, blank=True, default="", db_default="", editable=False)
    name = OneLine(max_length=100, blank=True, editable=False)
    epoch = models.PositiveBigIntegerField(default=0, editable=False)
    advanced_at = models.DateTimeField(editable=False)
    held_since = models.DateTimeField(null=True, blank=True, editable=False)
    held_why = OneLine(max_length=300, blank=True, editable=False)
    # The private key that signs the heads of audit logs (Ed25519, RFC 8032), as hexadecimal digits.
    audit_key = EncryptedJSONField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return self.name or str(self.identity)
