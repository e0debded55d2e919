"""The signed reply address: an answer to it belongs to the conversation that it names, whatever else the mail says."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from messaging.channels.mail.writer import plain as plain
from messaging.models import Channel, Conversation

SALT: Final = "messaging.reply_address"
# RFC 5321 allows 64 octets before the @.
MAX_LOCAL_PART_LENGTH: Final = 64
MARK: Final = "c"
_SIGNATURE_BYTES: Final = 6
_TOKEN_LENGTH: Final = len(MARK) + 26 + 10


def reply_address(conversation: Conversation, channel: Channel) -> str:
    """`desk+c….@clinic.example`; empty where the channel does not want it or its name leaves no room for it."""
    if channel.settings.get("reply_address", "plus") != "plus":
        return ""
    local, _, domain = channel.address.rpartition("@")
    signed = f"{local}+{_token(conversation.pk)}"
    return f"{signed}@{domain}" if len(signed) <= MAX_LOCAL_PART_LENGTH else ""


def conversation_named(addresses: Iterable[str]) -> UUID | None:
    """The conversation that one of these addresses names under our signature."""
    for address in addresses:
        tag = address.partition("@")[0].rpartition("+")[2].lower()
        if len(tag) != _TOKEN_LENGTH or not tag.startswith(MARK):
            continue
        try:
            named = UUID(bytes=base64.b32decode(f"{tag[1:27].upper()}======"))
        except (binascii.Error, ValueError):
            continue
        if any(hmac.compare_digest(tag[27:], _signature(named, secret)) for secret in _secrets()):
            return named
    return None


def _token(pk: UUID) -> str:
    return f"{MARK}{_base32(pk.bytes)}{_signature(pk, settings.SECRET_KEY)}"


def _signature(pk: UUID, secret: str | bytes) -> str:
    digest = salted_hmac(SALT, str(pk), secret=secret, algorithm="sha256").digest()
    return _base32(digest[:_SIGNATURE_BYTES])


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _secrets() -> list[str | bytes]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
