"""One mail's bytes made a `ReceivedMessage`."""

from __future__ import annotations

import hashlib
from email.message import Message
from typing import Final

from messaging.channels.base import InvalidPayload, Kind, ReceivedMail, ReceivedMessage
from messaging.channels.fields import MAX_BODY_LENGTH
from messaging.channels.mail import bounces, headers, invitations
from messaging.channels.mail.automatic import COMPLAINT, why_automatic
from messaging.channels.mail.html import clean_html
from messaging.channels.mail.parts import Content, Parts, message_of, read_parts
from messaging.channels.mail.repair import ENVELOPE_FIELD
from messaging.channels.mail.replies import fold
from messaging.channels.mail.writer import other_address
from messaging.channels.text import clean

MAX_FOLDED_LENGTH: Final = 500_000


def parse(raw: bytes) -> ReceivedMessage:
    """The mail as the rest of Parley knows messages; its body is what the person wrote now.

    Raises InvalidPayload for a mail that names no sender and is no bounce; nothing else, whatever the bytes.
    """
    mail = message_of(raw)
    parts = read_parts(mail)
    name, sender = _sender(mail)
    reply_addresses = headers.field_addresses(mail, "Reply-To")
    text = "\n\n".join(part.strip("\n") for part in parts.content.text if part.strip())
    notice = bounces.read(mail, parts, text, sender)
    if not sender and notice is None:
        raise InvalidPayload("From: no e-mail address. A mail without a sender can't be answered.")
    body, folded = _body(text, parts)
    to = [address for _, address in headers.field_addresses(mail, "To")]
    in_reply_to = headers.identifiers(headers.raw_values(mail, "In-Reply-To"))
    return ReceivedMessage(
        kind=Kind.EMAIL,
        provider_message_id=headers.message_id(mail) or f"{hashlib.sha256(raw).hexdigest()[:40]}@without-id",
        to=to[0] if to else "",
        sender=sender,
        sender_name=name,
        body=body,
        subject=headers.header(mail, "Subject"),
        reply_to=in_reply_to[0] if in_reply_to else "",
        sent_at=headers.sent_at(mail),
        reply_addresses=reply_addresses,
        mail=ReceivedMail(
            html=_html(parts.content),
            folded=folded,
            to=to,
            cc=[address for _, address in headers.field_addresses(mail, "Cc")],
            recipients=[address for _, address in headers.field_addresses(mail, *headers.RECIPIENT_FIELDS)],
            reply_to=other_address(reply_addresses, sender),
            in_reply_to=in_reply_to,
            references=headers.identifiers(headers.raw_values(mail, "References")),
            automatic=COMPLAINT if parts.is_complaint else why_automatic(mail, sender),
            automatic_for_another=COMPLAINT if parts.is_complaint else why_automatic(mail, sender, for_another=True),
            bounces=notice.bounces if notice else (),
            is_bounce=notice is not None,
            is_sure_bounce=notice is not None and notice.is_sure,
            files=parts.files,
        ),
    )


def _sender(mail: Message) -> tuple[str, str]:
    """Name and address of who sent it. A group that sends in its own name says in X-Original-Sender who that was."""
    fields = ("From", "Sender", "Reply-To", "Return-Path", ENVELOPE_FIELD)
    named = (next(iter(headers.field_addresses(mail, name)), None) for name in fields)
    written = next((one for one in named if one is not None), ("", ""))
    original = next(iter(headers.field_addresses(mail, "X-Original-Sender")), None)
    if original is not None and original[1] != written[1]:
        return original[0] or written[0].rpartition(" via ")[0].strip("'\" "), original[1]
    return written


def _body(text: str, parts: Parts) -> tuple[str, str]:
    """What the person wrote, and what was folded away."""
    reply, folded = fold(text)
    quoted = "\n\n".join(parts.content.quoted)
    if not reply.strip() and parts.calendars:
        reply = next(filter(None, (invitations.summary(raw) for raw in parts.calendars[:5])), "")
    folded = "\n\n".join(part for part in (folded, quoted) if part.strip())
    return clean(reply).strip("\n").rstrip()[:MAX_BODY_LENGTH], clean(folded)[:MAX_FOLDED_LENGTH]


def _html(content: Content) -> str:
    return clean_html("\n".join(content.html)) if content.has_html else ""
