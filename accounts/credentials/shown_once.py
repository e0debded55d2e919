"""A secret that a page shows until the person says that they have it: encrypted in the session, for 15 minutes."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from core.encryption import DecryptionFailed, decrypt, encrypt

KEPT_SECONDS: Final = 15 * 60


def keep(request: HttpRequest, name: str, value: object) -> None:
    """Keep it under this name; what was there before is gone."""
    request.session[name] = {"value": encrypt(value), "at": timezone.now().timestamp()}


def kept(request: HttpRequest, name: str) -> object:
    """What is kept; None where there is nothing, or no longer. A reload finds it again."""
    row = request.session.get(name)
    if not isinstance(row, dict):
        return None
    if timezone.now().timestamp() - row["at"] > KEPT_SECONDS:
        drop(request, name)
        return None
    try:
        return decrypt(row["value"])
    except DecryptionFailed:
        return None


def drop(request: HttpRequest, name: str) -> None:
    """The person has it."""
    request.session.pop(name, None)
