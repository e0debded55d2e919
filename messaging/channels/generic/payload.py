"""What an authenticated system hands in at `POST /api/v1/webhooks/{channel}`."""

from __future__ import annotations

from messaging.channels.base import InvalidPayload, Kind, ReceivedMessage
from messaging.channels.fields import LONGEST_BODY, JsonFields, email_address
from messaging.channels.mime import bracketed

WHATSAPP_PREFIX = "whatsapp:"


def parse_inbound(data: object, *, channel: str) -> ReceivedMessage:
    """The message in a decoded JSON body. Raises InvalidPayload, which names the field that is missing or wrong.

    Phone numbers come as they were given: whoever knows the organization's country makes them E.164.
    """
    kind = _kind(channel)
    fields = JsonFields(data)
    name, sender = _address(fields, "from", kind, fields.required("from"))
    _, to = _address(fields, "to", kind, fields.text("to").strip())
    body = fields.text("body", longest=LONGEST_BODY)
    media = fields.attachments("attachments")
    if not body.strip() and not media:
        raise fields.wrong("body", "missing")
    reply_to = fields.text("in_reply_to").strip()
    return ReceivedMessage(
        kind=kind,
        provider_message_id=fields.required("message_id"),
        to=to,
        sender=sender,
        sender_name=fields.text("from_name", longest=255).strip() or name,
        subject=fields.text("subject"),
        body=body,
        media=media,
        reply_to=bracketed(reply_to) if kind is Kind.EMAIL else reply_to,
        sent_at=fields.moment("sent_at"),
        extra=fields.rest(),
    )


def _kind(channel: str) -> Kind:
    try:
        return Kind(channel)
    except ValueError:
        raise InvalidPayload(f"channel: {channel[:20]!r} is none of {', '.join(Kind)}.") from None


def _address(fields: JsonFields, key: str, kind: Kind, value: str) -> tuple[str, str]:
    """Name and address of a sender or a recipient; empty for an empty one."""
    if not value:
        return "", ""
    if kind is Kind.EMAIL or (kind is Kind.WEB and "@" in value):
        return email_address(fields, key, value)
    if "\n" in value or "\t" in value:
        raise fields.wrong(key, "not a phone number")
    return "", value.removeprefix(WHATSAPP_PREFIX)
