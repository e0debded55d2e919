"""API keys: a system's way in, on behalf of a member."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models.member import Member
from accounts.permissions import SCOPES
from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel


class KeyState(models.TextChoices):
    """How a key stands."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class APIKeyQuerySet(models.QuerySet["APIKey"]):
    def in_state(self, state: KeyState) -> Self:
        """The keys that stand so by now."""
        over = Q(expires_at__isnull=False, expires_at__lte=timezone.now())
        match state:
            case KeyState.REVOKED:
                return self.filter(revoked_at__isnull=False)
            case KeyState.EXPIRED:
                return self.filter(over, revoked_at=None)
            case KeyState.ACTIVE:
                return self.filter(revoked_at=None).exclude(over)


class APIKey(TenantModel):
    """A system's way in. Only the hash is kept; the key itself is shown once, when it is made."""

    name = OneLine(max_length=80)
    member = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="api_keys", help_text="On whose behalf it acts."
    )
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    # The secret of before a rotation, good until then.
    previous_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(
        default=list, blank=True, help_text="Permissions; empty means all that its member has and a key can be given."
    )
    networks = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text="From where it is good, as CIDR; empty means from everywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Permission → when it was last used, to the hour; and since when that is written down.
    scope_uses = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True, editable=False)
    uses_counted_since = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(APIKeyQuerySet)()

    class Meta:
        verbose_name = "API key"
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="api_key_newest"),
            models.Index(fields=["organization", "member"], name="api_key_of_member"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return KeyState.EXPIRED if is_over else KeyState.ACTIVE

    @property
    def is_usable(self) -> bool:
        return self.state is KeyState.ACTIVE

    @property
    def permitted(self) -> frozenset[str]:
        """What the key leaves of its member's permissions."""
        return SCOPES.intersection(self.scopes) if self.scopes else SCOPES

    @property
    def actor_label(self) -> str:
        """What the ledger calls who acts by it: the key and the member behind it."""
        return f"{self.name} ({self.member.user.get_short_name()})"

    def is_good_from(self, address: str) -> bool:
        """Whether a call may come from this address; with networks an address that can't be read is in none."""
        if not self.networks:
            return True
        try:
            client = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(client, ipaddress.IPv6Address) and client.ipv4_mapped is not None:
            client = client.ipv4_mapped
        return any(client in ipaddress.ip_network(network) for network in self.networks)

    def last_use_of(self, scope: str) -> datetime | None:
        """When the permission was last used, to the hour; None where it never was since that is written down."""
        at = self.scope_uses.get(scope)
        return parse_datetime(at) if isinstance(at, str) else None
