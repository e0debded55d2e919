"""Codes for the day when the phone is gone: ten of 80 random bits, shown once, each good once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

from django.utils import timezone

from accounts.models import RecoveryCode, User

COUNT: Final = 10
# Characters of base32 in a code, without the dashes.
LENGTH: Final = 16


def renew(user: User) -> list[str]:
    """Ten new codes, as people are shown them; those of before are worthless."""
    codes = [_new() for _ in range(COUNT)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=_hash(code)) for code in codes)
    return codes


def use(user: User, code: str) -> bool:
    """Whether it is one of the user's unused codes; it is used by this."""
    rows = RecoveryCode.objects.filter(user=user, code_hash=_hash(code), used_at=None)
    return rows.update(used_at=timezone.now()) == 1


def left(user: User) -> int:
    """How many are unused."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _new() -> str:
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, LENGTH, 4))


def _hash(code: str) -> str:
    # 80 random bits: a slow hash would add nothing but time. Dashes and case are how people write it down.
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
