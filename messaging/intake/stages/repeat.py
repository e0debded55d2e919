"""Recognize a repeat: the same delivery twice is one message."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from messaging.channels.base import Kind, ReceivedMessage
from messaging.intake.stages.context import Inbound, Stage
from messaging.intake.stages.sender import digest_of
from messaging.models import Channel, MailDetails, Message

MAX_ID: Final = 254


def recognize_repeat(inbound: Inbound) -> None:
    """Set `repeated` where the message is here; a mail that only has the Message-ID of another one gets its own."""
    stored = _stored(inbound.channel, inbound.received)
    if stored is not None and _is_another(stored, inbound.received):
        inbound.received = _with_own_id(inbound.received)
        stored = _stored(inbound.channel, inbound.received)
    inbound.repeated = stored


STAGE = Stage(
    "repeat", recognize_repeat, reads=frozenset({"channel", "received"}), adds=frozenset({"received", "repeated"})
)


def provider_id(received: ReceivedMessage) -> str:
    """The provider's id; a longer one than the database takes by its hash."""
    key = received.provider_message_id
    return key if len(key) <= MAX_ID else hashlib.sha256(key.encode()).hexdigest()


def _stored(channel: Channel, received: ReceivedMessage) -> Message | None:
    """The message with this id: of an e-mail on whichever of our addresses."""
    rows = Message.objects.filter(provider_message_id=provider_id(received))
    if channel.kind == Kind.EMAIL:
        mailboxes = Channel.objects.filter(organization=channel.organization, kind=Kind.EMAIL).values_list(
            "pk", flat=True
        )
        rows = rows.filter(channel__in=list(mailboxes))
    else:
        rows = rows.filter(channel=channel)
    stored: Message | None = rows.first()
    return stored


def _is_another(stored: Message, received: ReceivedMessage) -> bool:
    """Whether a mail only has the Message-ID of one that we have: some programs give all of theirs the same."""
    if received.mail is None:
        return False
    if stored.direction != Message.Direction.INBOUND:
        return True
    digest = MailDetails.objects.filter(message=stored).values_list("digest", flat=True).first()
    if digest:
        return digest != received.mail.digest
    # One that was stored before what it says was kept as a digest.
    return (stored.address.lower(), stored.subject, stored.body) != (
        received.sender.lower(),
        received.subject[:500],
        received.body,
    )


def _with_own_id(received: ReceivedMessage) -> ReceivedMessage:
    """The mail under an id made of what it says, the same each time."""
    digest = received.mail.digest if received.mail is not None else digest_of(received)
    return replace(received, provider_message_id=f"{received.provider_message_id[:200]}#{digest[:16]}")
