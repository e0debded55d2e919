"""Presence on the simulator's phone: typing, and read receipts."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache

TYPING_SECONDS: Final = 25
READ_SECONDS: Final = 24 * 3600


def note_typing(message_id: str) -> None:
    cache.set(_key("typing", message_id), True, TYPING_SECONDS)


def note_read(message_id: str) -> None:
    cache.set(_key("read", message_id), True, READ_SECONDS)


def is_typing(message_id: str) -> bool:
    """Whether somebody writes to the sender of this message in this moment."""
    return bool(message_id) and cache.get(_key("typing", message_id)) is not None


def is_read(message_id: str) -> bool:
    return bool(message_id) and cache.get(_key("read", message_id)) is not None


def _key(what: str, message_id: str) -> str:
    return f"simulator:{what}:{message_id[:100]}"
