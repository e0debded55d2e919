from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from core.encryption import EncryptedJSONField
from core.tenancy import TenantModel


class IdempotentCall(TenantModel):
    """A POST with an `Idempotency-Key`, and its answer once there is one; forgotten after a day."""

    # Of the caller, the method, the path and the key: what others send is no key of theirs.
    key_hash = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    # Empty while it is in work; the token says who works on it, until the lease ends.
    status = models.PositiveSmallIntegerField(null=True)
    token = models.UUIDField(null=True)
    leased_until = models.DateTimeField()
    # Headers and body, encrypted: they are the records of people.
    answer: Any = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key_hash"], name="idempotent_call_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_call_age")]

    def __str__(self) -> str:
        return f"{self.status or 'in work'} since {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_answered(self) -> bool:
        return self.status is not None
