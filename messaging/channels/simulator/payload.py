"""Parsing what the simulator's phone and mailbox send: JSON into a ReceivedMessage.

`message_id`, `channel` (`whatsapp`, `sms`, `email`), `from`, `from_name?`, `from_user_id?`, `to?`, `subject?`, `body?`,
`sent_at`, `in_reply_to?`, `attachments?`, `files?` (`filename`, `content_type?`, `content` in base64), `location?`
(`latitude`, `longitude`, `label?`, `address?`), `button?` (`text`, `payload?`), `opt_out?`.
"""

from __future__ import annotations

from messaging.channels.base import InvalidPayload, Kind, Location, ReceivedMessage
from messaging.channels.fields import MAX_BODY_LENGTH, JsonFields, email_address
from messaging.channels.mail.handed import submitted

CARRIED = (Kind.WHATSAPP, Kind.SMS, Kind.EMAIL)


def parse_inbound(data: object) -> ReceivedMessage:
    """The message in a decoded JSON body. Raises InvalidPayload, which names the field that is missing or wrong."""
    fields = JsonFields(data)
    kind = _kind(fields)
    sender, user_id = fields.text("from").strip(), fields.text("from_user_id").strip()
    if not sender and not user_id:
        raise fields.wrong("from", "missing")
    if kind is Kind.EMAIL:
        email_address(fields, "from", sender)
    body, files = fields.text("body", longest=MAX_BODY_LENGTH), fields.files("files")
    to, answered = fields.text("to").strip(), fields.text("in_reply_to").strip()
    mail = None
    if kind is Kind.EMAIL:
        body, mail = submitted(text=body, to=to, in_reply_to=answered, files=files)
    return ReceivedMessage(
        kind=kind,
        provider_message_id=fields.required("message_id"),
        to=to,
        sender=sender,
        sender_user_id=user_id,
        sender_name=fields.text("from_name").strip(),
        body=body,
        subject=fields.text("subject"),
        media=fields.attachments("attachments"),
        files=files,
        location=_location(fields),
        button=_button(fields),
        reply_to=answered,
        mail=mail,
        opt_out=fields.text("opt_out").strip().upper(),
        sent_at=fields.moment("sent_at"),
        extra=fields.rest(),
    )


def _kind(fields: JsonFields) -> Kind:
    channel = fields.required("channel")
    if channel not in CARRIED:
        raise InvalidPayload(f"channel: {channel[:20]!r} is none of {', '.join(CARRIED)}.")
    return Kind(channel)


def _location(fields: JsonFields) -> Location | None:
    place = fields.object("location")
    if place is None:
        return None
    return Location(
        latitude=place.number("latitude", most=90),
        longitude=place.number("longitude", most=180),
        label=place.text("label"),
        address=place.text("address"),
    )


def _button(fields: JsonFields) -> dict[str, str]:
    button = fields.object("button")
    if button is None:
        return {}
    return {"kind": "button", "text": button.required("text"), "payload": button.text("payload")}
