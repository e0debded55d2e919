"""What of an event is chained, and how it is hashed.

An event's hash is over what never changes (ids, type, time, who, about what) and over a salted digest of what may be
erased: its payload, the actor's name, the key of its source. So the chain holds no personal data, stays whole when the
person is erased, and a digest from which the salt is gone says nothing of the content.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from core.fields import one_line

if TYPE_CHECKING:
    from activity.models import Event

# Another form of the content is another version, so that old links stay readable.
VERSION: Final = "parley-audit-1"


def new_salt() -> str:
    return secrets.token_hex(16)


def digest_of(event: Event) -> str:
    """The salted digest of the row's erasable content as it stands."""
    return _sha256([event.salt, one_line(event.actor_label), event.source_key, _plain(event.payload)])


def hash_of(event: Event, *, digest: str | None = None, customer: str | None = None) -> str:
    """The event's hash. `digest` and `customer` (an id, or "-" for none) are those of the day on which it was written,
    where the row has others by now."""
    about = str(event.customer_id or "-") if customer is None else customer
    return _sha256(
        [
            VERSION,
            str(event.pk),
            str(event.organization_id),
            event.type,
            _moment(event.occurred_at),
            str(event.actor_kind),
            event.actor_id,
            event.impersonator_id,
            event.request_id,
            event.depth,
            event.subject_type,
            event.subject_id,
            about,
            digest or digest_of(event),
        ]
    )


def link_hash(*, organization_id: UUID, position: int, previous: str, event_id: UUID, event_hash: str) -> str:
    """The hash of a link, over the one before it."""
    return _sha256([VERSION, str(organization_id), position, previous, str(event_id), event_hash])


def stamp(event: Event) -> Event:
    """Give a row that is about to be written its salt and the proof that this program wrote it."""
    event.salt = new_salt()
    event.proof = _proof(settings.ENCRYPTION_KEYS[0], hash_of(event))
    return event


def is_genuine(event: Event, event_hash: str) -> bool:
    """Whether the proof of a row that is not sealed yet fits its hash, with any of ENCRYPTION_KEYS."""
    return any(hmac.compare_digest(event.proof, _proof(key, event_hash)) for key in settings.ENCRYPTION_KEYS)


def _proof(key: str, event_hash: str) -> str:
    return hmac.new(_derived(key), event_hash.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)
def _derived(key: str) -> bytes:
    return hashlib.sha256(f"{VERSION}|proof|{key}".encode()).digest()


def _sha256(parts: list[object]) -> str:
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(payload: object) -> object:
    """The payload as every database gives it back: PostgreSQL writes 1e2 as 100, and sorts the keys."""
    return _numbers(json.loads(json.dumps(payload, cls=DjangoJSONEncoder)))


def _numbers(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    if isinstance(value, dict):
        return {name: _numbers(one) for name, one in value.items()}
    return value
