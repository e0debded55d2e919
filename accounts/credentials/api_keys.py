"""API keys: random, shown once, kept as a hash; what they are used for is counted by permission.

Who may issue a key, and for whom, is asked in `accounts.api_keys`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.credentials.readiness import require_open
from accounts.models import APIKey, Member
from accounts.permissions import NEVER_BY_KEY
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid, Refused
from core.tenancy import every_organization

PREFIX: Final = "pk_"
MAX_NETWORKS: Final = 20
# How exact the times of use are: a write once in so long, and none in between.
NOTED_EVERY: Final = timedelta(minutes=1)
SCOPE_NOTED_EVERY: Final = timedelta(hours=1)
# So long the secret of before a rotation stays good.
ROTATION_OVERLAP: Final = timedelta(days=1)


class InvalidAPIKey(Refused):
    """No key of ours, or one that ended."""

    status = 401

    def __init__(self) -> None:
        super().__init__("This API key is not valid, or no longer.")


class NetworkNotAllowed(Refused):
    """The key is good from other networks only."""

    status, code = 403, "network_not_allowed"

    def __init__(self, address: str) -> None:
        text = _(
            "This API key may not be used from %(address)s. Add the address to the key’s networks, or call from one."
        )
        super().__init__(text % {"address": address or _("an unknown address")})


class UnknownScope(Refused):
    """A scope that is no permission of the key's member, or none that a key can be given."""

    field = "scopes"


@transaction.atomic
def issue(
    *,
    member: Member,
    name: str,
    actor: Actor,
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
) -> tuple[APIKey, str]:
    """A new key and its secret, which can't be read again. Without scopes it is good for all that its member may and a
    key can do.

    Raises UnknownScope for what the member does not have or no key is given, Invalid for networks that are none.
    """
    if never := sorted(NEVER_BY_KEY.intersection(scopes)):
        raise UnknownScope(_("No API key may do this: %(names)s.") % {"names": ", ".join(never)})
    if unknown := sorted(set(scopes) - member.role.permissions):
        raise UnknownScope(f"Not permissions of this member: {', '.join(unknown)}.")
    secret = _new_secret()
    key = APIKey.objects.create(
        organization=member.organization,
        member=member,
        name=name,
        prefix=secret[:8],
        key_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        networks=clean_networks(networks),
        expires_at=expires_at,
    )
    payload = {"name": name, "prefix": key.prefix, "scopes": key.scopes, "member": str(member.pk)}
    record(events.API_KEY_ISSUED, subject=key, actor=actor, payload=payload)
    return key, secret


@transaction.atomic
def revoke(*, key: APIKey, actor: Actor) -> None:
    """The key is good for nothing from now on."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        record(events.API_KEY_REVOKED, subject=key, actor=actor, payload={"name": key.name, "prefix": key.prefix})


@transaction.atomic
def rotate(*, key: APIKey, actor: Actor) -> str:
    """A new secret; the one of before stays good for a day, the one of before that for no longer."""
    secret = _new_secret()
    key.previous_hash, key.previous_until = key.key_hash, timezone.now() + ROTATION_OVERLAP
    key.key_hash, key.prefix = _hash(secret), secret[:8]
    key.save(update_fields=["previous_hash", "previous_until", "key_hash", "prefix"])
    record(events.API_KEY_ROTATED, subject=key, actor=actor, payload={"name": key.name, "prefix": key.prefix})
    return secret


def find(secret: str) -> APIKey:
    """The key with this secret, with its member. Raises InvalidAPIKey, or OrganizationSuspended."""
    now, digest = timezone.now(), _hash(secret)
    with every_organization("the key names its organization"):
        key = (
            APIKey.objects.select_related("member__user", "member__organization", "member__role")
            .filter(Q(key_hash=digest) | Q(previous_hash=digest, previous_until__gt=now))
            .filter(member__is_active=True, member__user__is_active=True, member__organization__deleted_at=None)
            .first()
        )
        if key is None or not key.is_usable:
            raise InvalidAPIKey
        require_open(key.member.organization)
        # To the minute is enough to see a forgotten key, and spares a write on each request.
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
            APIKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


def note_uses(key: APIKey, permissions: Collection[str]) -> None:
    """The key was used for these permissions: written down where the last time is an hour ago, and at no cost else.

    `key` is as the request read it.
    """
    if not _stale(key, permissions):
        return
    with transaction.atomic():
        # Read again under the lock: another call may have noted another permission meanwhile.
        locked = APIKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if stale := _stale(locked, permissions):
            locked.scope_uses |= dict.fromkeys(stale, timezone.now().isoformat(timespec="minutes"))
            locked.save(update_fields=["scope_uses"])


def clean_networks(networks: Collection[str]) -> list[str]:
    """The networks as CIDR, each once. Raises Invalid, which names the first that is none."""
    cleaned = []
    for text in networks:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise Invalid(
                "networks",
                _("“%(text)s” is no network. Write an address or CIDR, such as 203.0.113.0/24 or 2001:db8::/32.")
                % {"text": text[:60]},
            ) from error
        cleaned.append(str(network))
    if len(set(cleaned)) > MAX_NETWORKS:
        raise Invalid("networks", _("At most %(count)s networks.") % {"count": MAX_NETWORKS})
    return list(dict.fromkeys(cleaned))


def _stale(key: APIKey, permissions: Collection[str]) -> list[str]:
    before = timezone.now() - SCOPE_NOTED_EVERY
    return [one for one in sorted(permissions) if (at := key.last_use_of(one)) is None or at < before]


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would add nothing but time to every request.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
