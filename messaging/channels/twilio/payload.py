"""Parsing Twilio's webhooks: form parameters into a ReceivedMessage or a StatusUpdate, without losing one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from messaging.channels.base import InvalidPayload, Kind, Location, Media, ReceivedMessage, StatusUpdate
from messaging.channels.text import clean
from messaging.channels.twilio.account import WHATSAPP_PREFIX

Params = Iterable[tuple[str, str]] | Mapping[str, Sequence[str]]

MAX_FIELDS = 1000
MAX_MEDIA = 100  # Twilio sends ten at most
MAX_ID_LENGTH = 255
FAILED = "failed"

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values, as ours
OUR_STATUS: Final[Mapping[str, str]] = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "partially_delivered": "delivered",
    "delivered": "delivered",
    "read": "read",
    "undelivered": FAILED,
    "failed": FAILED,
    "canceled": FAILED,
}

_PERMISSION_NAMES: Final = frozenset({"voice_call_request", "call_permission", "call_permission_reply"})
_PERMISSION_ANSWERS: Final = ("ButtonPayload", "CallPermission", "CallPermissionResponse", "Response")
_PERMISSIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("accepted", "accept", "granted", "approved", "allowed"), "Calls allowed"),
    **dict.fromkeys(("rejected", "reject", "denied", "declined", "revoked"), "Calls not allowed"),
}


def form_pairs(body: bytes | str) -> list[tuple[str, str]]:
    """The parameters of a form-encoded body, in order, with blank values and repetitions. Raises InvalidPayload.

    Both the signature and the message are read from this one list, so that they can't be of two minds.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise InvalidPayload(f"The body is not a form in UTF-8 with at most {MAX_FIELDS} fields.") from error


def parse_inbound(params: Params) -> ReceivedMessage:
    """An inbound message. Raises InvalidPayload, which names the field that is missing or wrong."""
    fields = _Fields(params)
    kind, sender, user_id = _sender(fields)
    media = _media(fields)
    referral = _referral(fields)
    return ReceivedMessage(
        kind=kind,
        provider_message_id=fields.required("MessageSid"),
        to=fields.take("To").removeprefix(WHATSAPP_PREFIX),
        sender=sender,
        sender_user_id=user_id,
        sender_name=fields.take("ProfileName"),
        account_id=fields.take("AccountSid"),
        messaging_service_id=fields.take("MessagingServiceSid"),
        body=fields.take("Body"),
        media=media,
        location=_location(fields),
        button=_button(fields),
        reply_to=fields.take("OriginalRepliedMessageSid"),
        referral=referral,
        opt_out=fields.take("OptOutType").upper(),
        extra=fields.rest(),
    )


def parse_status(params: Params) -> StatusUpdate:
    """What became of a message of ours. Raises InvalidPayload.

    RawDlrDoneDate stays in `extra`: it is the network's clock in a zone that nobody states.
    """
    fields = _Fields(params)
    name = "MessageStatus" if fields.has("MessageStatus") else "SmsStatus"
    status = OUR_STATUS.get(fields.required(name).lower())
    if status is None:
        raise InvalidPayload(f"{name}: not a status of an outgoing message.")
    return StatusUpdate(
        provider_message_id=fields.required("MessageSid"),
        status=status,
        error_code=_error_code(fields),
        extra=fields.rest(),
    )


class _Fields:
    """Parameters that are read one by one; those that were not read, or repeated with another value, are the rest."""

    def __init__(self, params: Params) -> None:
        self._values: dict[str, list[str]] = {}
        for key, value in _pairs(params):
            self._values.setdefault(clean(key), []).append(clean(value))
        self._taken: set[str] = set()

    def has(self, key: str) -> bool:
        return key in self._values

    def names(self) -> list[str]:
        return list(self._values)

    def peek(self, key: str) -> str:
        """The value, the first where there are several; empty where there is none."""
        return self._values.get(key, [""])[0]

    def take(self, key: str) -> str:
        if key in self._values:
            self._taken.add(key)
        return self.peek(key)

    def required(self, key: str) -> str:
        value = self.take(key).strip()
        if not value:
            raise InvalidPayload(f"{key}: missing.")
        if len(value) > MAX_ID_LENGTH:
            raise InvalidPayload(f"{key}: longer than {MAX_ID_LENGTH} characters.")
        return value

    def rest(self) -> dict[str, object]:
        return {
            key: values[0] if len(values) == 1 else values
            for key, values in self._values.items()
            if key not in self._taken or len(set(values)) > 1
        }


def _pairs(params: Params) -> Iterable[tuple[str, str]]:
    if not isinstance(params, Mapping):
        return params
    # Django's QueryDict gives its lists by another name.
    lists: Iterable[tuple[str, str | Sequence[str]]] = getattr(params, "lists", params.items)()
    return [(key, value) for key, values in lists for value in ([values] if isinstance(values, str) else values)]


def _sender(fields: _Fields) -> tuple[Kind, str, str]:
    """Kind, address and user id of the sender.

    Since 2026 a WhatsApp user may have no phone number: From is then `whatsapp:US.…`, a business-scoped user id.
    """
    whole = fields.required("From")
    channel, separator, address = whole.rpartition(":")
    if separator and f"{channel}:" != WHATSAPP_PREFIX:
        raise InvalidPayload(f"From: messages from {channel[:20]!r} are not supported.")
    if not address:
        raise InvalidPayload("From: missing.")
    if not separator:
        return Kind.SMS, address, ""
    external = fields.take("ExternalUserId").removeprefix(WHATSAPP_PREFIX)
    if address.startswith("+"):
        return Kind.WHATSAPP, address, external
    return Kind.WHATSAPP, "", external or address


def _media(fields: _Fields) -> list[Media]:
    """As many as NumMedia says; it stays in `extra`, and shows when a file's address was missing."""
    stated = fields.peek("NumMedia").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,3}", stated) or int(stated) > MAX_MEDIA:
        raise InvalidPayload(f"NumMedia: not a number from 0 to {MAX_MEDIA}.")
    return [
        Media(
            url=fields.take(f"MediaUrl{number}"),
            content_type=fields.take(f"MediaContentType{number}"),
            filename=_filename(fields, number),
        )
        for number in range(int(stated))
        if fields.peek(f"MediaUrl{number}")
    ]


def _filename(fields: _Fields, number: int) -> str:
    """A document's name, where there is one; a value like a path stays whole in `extra`."""
    name = next((name for name in (f"MediaFilename{number}", f"MediaFileName{number}") if fields.has(name)), "")
    stated = fields.peek(name)
    bare = stated.replace("\n", " ").replace("\\", "/").rpartition("/")[2].strip()[:MAX_ID_LENGTH]
    return fields.take(name) if name and bare == stated else bare


def _location(fields: _Fields) -> Location | None:
    """A place; one that is not on the globe stays in `extra` rather than losing the message."""
    try:
        latitude, longitude = float(fields.peek("Latitude")), float(fields.peek("Longitude"))
    except ValueError:
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    fields.take("Latitude")
    fields.take("Longitude")
    return Location(latitude, longitude, label=fields.take("Label"), address=fields.take("Address"))


def _button(fields: _Fields) -> dict[str, str]:
    if permission := _call_permission(fields):
        return permission
    for kind, text, payload in (("button", "ButtonText", "ButtonPayload"), ("list", "ListTitle", "ListId")):
        if fields.has(text) or fields.has(payload):
            return {"kind": kind, "text": fields.take(text), "payload": fields.take(payload)}
    return {}


def _call_permission(fields: _Fields) -> dict[str, str]:
    """The answer to the question whether we may call, in words to be shown; its parameters stay in `extra`.

    It comes as the reply to a button of the type VOICE_CALL_REQUEST, which has no text of its own.
    """
    answer = next((fields.peek(name) for name in _PERMISSION_ANSWERS if fields.peek(name)), "")
    meaning = _PERMISSIONS.get(_plain(answer), "")
    if _plain(fields.peek("MessageType")) in _PERMISSION_NAMES:
        return {"kind": "call_permission", "text": meaning or "Calls: answered", "payload": answer}
    if meaning and _plain(fields.peek("ButtonText")) in _PERMISSION_NAMES:
        return {"kind": "call_permission", "text": meaning, "payload": answer}
    return {}


def _plain(value: str) -> str:
    return value[:50].strip().lower()


def _referral(fields: _Fields) -> dict[str, str]:
    """The advertisement that the person came from: `ReferralSourceUrl` becomes `source_url`.

    Every message has ReferralNumMedia; alone it speaks of no advertisement.
    """
    names = [name for name in fields.names() if name.startswith("Referral")]
    if not set(names) - {"ReferralNumMedia"}:
        return {}
    return {_snake(name.removeprefix("Referral")): fields.take(name) for name in names}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _error_code(fields: _Fields) -> str:
    code = fields.peek("ErrorCode").strip()
    if not code or code == "0":
        return ""
    return fields.take("ErrorCode").strip()[:20]
