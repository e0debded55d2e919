"""Payloads of messages that an authenticated system hands in at `POST /api/v1/webhooks/{channel}`."""

from __future__ import annotations

from dataclasses import replace

from messaging.channels.abilities import MESSAGE
from messaging.channels.base import InvalidPayload, Kind, ReceivedMessage
from messaging.channels.fields import MAX_BODY_LENGTH, JsonFields, decoded, email_address
from messaging.channels.mail import headers
from messaging.channels.mail.handed import submitted
from messaging.channels.mail.parse import parse
from messaging.channels.mime import bracketed

MAX_HTML_LENGTH = 500_000
WHATSAPP_PREFIX = "whatsapp:"


class Submissions:
    """What was stored of it, as `payloads.parse` reads it."""

    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage:
        """Raises InvalidPayload, which names the field that is missing or wrong."""
        if delivery_type != MESSAGE:
            raise InvalidPayload("Only messages are handed in.")
        return parse_inbound(decoded(body), channel=kind)


def parse_inbound(data: object, *, channel: str) -> ReceivedMessage:
    """The message in a decoded JSON body. Raises InvalidPayload, which names the field that is missing or wrong.

    Phone numbers come as they were given: whoever knows the organization's country makes them E.164.
    """
    kind = _kind(channel)
    fields = JsonFields(data)
    name, sender = _address(fields, "from", kind, fields.required("from"))
    reply_addresses = _reply_addresses(fields, kind)
    _, to = _address(fields, "to", kind, fields.text("to").strip())
    message_id = fields.required("message_id")
    sent_at = fields.moment("sent_at")
    body, media, files = (
        fields.text("body", longest=MAX_BODY_LENGTH),
        fields.attachments("attachments"),
        fields.files("files"),
    )
    reply_to = fields.text("in_reply_to").strip()
    mail = None
    if kind is Kind.EMAIL:
        if (raw := fields.bytes("raw")) is not None:
            # The whole mail, as it came over the wire: it says all the rest itself.
            return replace(parse(raw), provider_message_id=message_id.strip("<>"))
        html = fields.text("html", longest=MAX_HTML_LENGTH)
        body, mail = submitted(
            text=body, html=html, to=to, cc=fields.texts("cc"), in_reply_to=reply_to,
            references=fields.texts("references"), files=files, sender=sender.lower(), reply_addresses=reply_addresses,
        )  # fmt: skip
        message_id = message_id.strip("<>")
    if not body.strip() and not media and not files and not (mail and (mail.html or mail.folded)):
        raise fields.wrong("body", "missing")
    return ReceivedMessage(
        kind=kind,
        provider_message_id=message_id,
        to=to,
        sender=sender,
        sender_name=fields.text("from_name", longest=255).strip() or name,
        subject=fields.text("subject"),
        body=body,
        media=media,
        files=files,
        reply_to=bracketed(reply_to) if kind is Kind.EMAIL else reply_to,
        sent_at=sent_at,
        reply_addresses=reply_addresses,
        mail=mail,
        extra=_rest(fields),
    )


def _reply_addresses(fields: JsonFields, kind: Kind) -> list[tuple[str, str]]:
    """Name and address in `reply_to`, of an e-mail or a website's form. Raises InvalidPayload for what is none."""
    if kind not in (Kind.EMAIL, Kind.WEB) or not (reply_to := fields.text("reply_to").strip()):
        return []
    result = headers.addresses([reply_to])
    if not result:
        raise fields.wrong("reply_to", "not an e-mail address")
    return result


def _rest(fields: JsonFields) -> dict[str, object]:
    """What has no field of its own; `reply_to` of a phone's message is no message that it answers."""
    rest = fields.rest()
    return {("answers_to" if key == "reply_to" else key): value for key, value in rest.items()}


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
        name, address = email_address(fields, key, value)
        return headers.decoded(name, headers.MAX_NAME_LENGTH), address
    if "\n" in value or "\t" in value:
        raise fields.wrong(key, "not a phone number")
    return "", value.removeprefix(WHATSAPP_PREFIX)
