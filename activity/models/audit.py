"""The audit chain: for each organization its head, its links (one a sealed event) and the heads that were signed."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel


class AuditChain(TenantModel):
    """An organization's chain: where it ends, what the last check found, and who is mailed its signed head."""

    position = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    hash = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    # Until then rows that were written before there was a chain are taken in as they are; null: none are.
    adopts_until = models.DateTimeField(null=True, blank=True, editable=False)
    adopted = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked_position = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    # Empty where all was as it should be: kind, position and event of the first fault.
    fault = models.JSONField(default=dict, db_default={}, encoder=DjangoJSONEncoder, editable=False)
    mail_to = models.JSONField(default=list, db_default=[], blank=True, help_text="Addresses that get the signed head.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="audit_chain_once")]

    def __str__(self) -> str:
        return f"chain of {self.organization_id} at {self.position}"


class AuditLink(TenantModel):
    """An event's place in the chain. Its id is the event's; no foreign key, so that it outlives a deleted row."""

    position = models.PositiveBigIntegerField()
    event_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "position"], name="audit_link_position_once")]

    def __str__(self) -> str:
        return f"{self.position} {self.pk}"


class AuditHead(TenantModel, Claimable):
    """The end of a chain on a day, signed by the installation; a row that is due is mailed to who wants it."""

    position = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    mailed_at = models.DateTimeField(null=True, blank=True)
    last_error = OneLine(max_length=500, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organization", "-signed_at"], name="audit_head_newest"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="audit_head_due"),
        ]

    def __str__(self) -> str:
        return f"head {self.position} of {self.organization_id}"
