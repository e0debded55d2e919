"""API keys: random, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import events
from accounts.models import APIKey, Member
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from core.tenancy import every_organization

PREFIX = "pk_"


class InvalidAPIKey(Refused):
    """No key of ours, or one that ended."""

    status = 401

    def __init__(self) -> None:
        super().__init__("This API key is not valid, or no longer.")


class UnknownScope(Refused):
    """A scope that is no permission of the key's member."""

    field = "scopes"


@transaction.atomic
def issue(
    *, member: Member, name: str, actor: Actor, scopes: list[str] | None = None, expires_at: datetime | None = None
) -> tuple[APIKey, str]:
    """A new key and its secret, which can't be read again. Raises UnknownScope for what the member does not have."""
    unknown = sorted(set(scopes or []) - member.role.permissions)
    if unknown:
        raise UnknownScope(f"Not permissions of this member: {', '.join(unknown)}.")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = APIKey.objects.create(
        organization=member.organization,
        member=member,
        name=name,
        prefix=secret[:8],
        key_hash=_hash(secret),
        scopes=scopes or [],
        expires_at=expires_at,
    )
    record(events.API_KEY_ISSUED, subject=key, actor=actor, payload={"name": name, "prefix": key.prefix})
    return key, secret


@transaction.atomic
def revoke(*, key: APIKey, actor: Actor) -> None:
    """The key is good for nothing from now on."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        record(events.API_KEY_REVOKED, subject=key, actor=actor, payload={"name": key.name, "prefix": key.prefix})


def find(secret: str) -> APIKey:
    """The key with this secret, with its member. Raises InvalidAPIKey."""
    with every_organization("the key names its organization"):
        key = (
            APIKey.objects.select_related("member__user", "member__organization", "member__role")
            .filter(key_hash=_hash(secret), member__is_active=True, member__user__is_active=True)
            .filter(member__organization__is_active=True)
            .first()
        )
        if key is None or not key.is_usable:
            raise InvalidAPIKey
        # To the minute is enough to see a forgotten key, and spares a write on each request.
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
        if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
            APIKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


def _hash(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would add nothing but time to every request.
    return hashlib.sha256(secret.encode()).hexdigest()
