"""Values that are edited in place: a change that the person has not seen is never overwritten.

The form carries what it showed (`shown`, signed, bound to the record and the field); the view compares it with what is
there now under the row's lock. A form of ours always has it; what comes without it was sent by no page, and is taken as
it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.core import signing
from django.db import models

from core.edits import digest

SNAPSHOT: Final = "shown"


@dataclass(frozen=True, slots=True)
class InlineConflict:
    """Two people set one value: what this person entered, and the record's present value; both in words."""

    label: str
    entered: str
    current: str


def sign_snapshot(record: models.Model, field: str, value: object) -> str:
    """For the hidden field `shown` of a form that shows this value."""
    return signing.Signer(salt=_salt(record, field)).sign(digest(_plain(value)))


def is_outdated(record: models.Model, field: str, value: object, snapshot: str | None) -> bool:
    """Whether the record's value has changed since the form showed it. Call it while the row is locked."""
    if snapshot is None:
        return False
    try:
        was = signing.Signer(salt=_salt(record, field)).unsign(snapshot)
    except signing.BadSignature:
        return True
    return was != digest(_plain(value))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # One moment is one value, in whatever zone it is at hand.
        return value.astimezone(UTC).isoformat()
    return "" if value is None else str(value)


def _salt(record: models.Model, field: str) -> str:
    return f"inline:{record._meta.label_lower}:{record.pk}:{field}"
