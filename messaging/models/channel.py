from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.encryption import DecryptionFailed, EncryptedJSONField
from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.channels import registry
from messaging.channels.abilities import LimitsSenders
from messaging.channels.base import Account, Capabilities, Kind


class Channel(TenantModel):
    """An account that messages go through: a phone number, a mailbox, a simulator."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    provider = models.CharField(max_length=32)
    name = OneLine(max_length=80)
    address = OneLine(max_length=254, help_text="E.164 or an e-mail address.")
    credentials: Any = EncryptedJSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(
        default=False, db_default=False, help_text="First messages of its kind leave by it."
    )
    # What the provider's webhooks name besides the address; taken from the credentials, which can't be searched.
    account_id = OneLine(max_length=64, blank=True, editable=False)
    messaging_service_id = OneLine(max_length=64, blank=True, editable=False)
    rate_per_second = models.FloatField(null=True, blank=True, help_text="Empty: the provider's usual limit.")
    # The sender's pace: the moment up to which its rate is used up, and when it last had a turn.
    paced_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_turn_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = OneLine(max_length=500, blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, blank=True, editable=False)
    calendar = models.ForeignKey(
        "accounts.BusinessCalendar", on_delete=models.SET_NULL, null=True, blank=True, related_name="channels",
        help_text="When it is answered; empty: as the organization works.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "address"], name="channel_address_once"),
            models.UniqueConstraint(
                fields=["organization", "kind"], condition=Q(is_default=True), name="channel_default_once"
            ),
            models.CheckConstraint(
                condition=Q(rate_per_second__isnull=True) | Q(rate_per_second__gt=0), name="channel_rate_is_positive"
            ),
        ]
        indexes = [
            # A webhook knows the address before anybody knows the organization.
            models.Index(fields=["provider", "kind", "address"], name="channel_by_address"),
            models.Index(fields=["provider", "account_id"], name="channel_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"

    @property
    def capabilities(self) -> Capabilities:
        return registry.capabilities(self.provider, Kind(self.kind))

    @property
    def is_simulator(self) -> bool:
        """Whether its provider reaches nobody."""
        return self.provider in registry.simulators()

    @property
    def rate(self) -> float:
        """Messages a second that this sender may send."""
        if self.rate_per_second:
            return self.rate_per_second
        provider = registry.provider(self.provider)
        own = provider.sender_rate(self.address) if isinstance(provider, LimitsSenders) else None
        return self.capabilities.rate_per_second if own is None else own

    @property
    def is_readable(self) -> bool:
        """Whether its credentials can be read; not where the key that they were written with is gone."""
        try:
            return self.credentials is not None
        except DecryptionFailed:
            return False

    @property
    def credential_keys(self) -> list[str]:
        """Which credentials are set; none where they can't be read any more, since they have to be entered anew."""
        try:
            stored = self.credentials or {}
        except DecryptionFailed:
            return []
        return sorted(key for key, value in stored.items() if value not in (None, ""))

    def as_account(self) -> Account:
        """The channel as its adapter sees it."""
        return Account(
            channel_id=str(self.pk),
            kind=Kind(self.kind),
            address=self.address,
            name=self.name,
            credentials=self.credentials or {},
            settings=self.settings or {},
        )
