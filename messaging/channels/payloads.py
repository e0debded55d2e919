"""Which parser reads what arrived: one line for each provider and type."""

from __future__ import annotations

import json
from typing import Any

from messaging.channels.base import InvalidPayload, ReceivedMessage, StatusUpdate
from messaging.channels.generic import payload as generic
from messaging.channels.mail import parse as mail
from messaging.channels.simulator import payload as simulator
from messaging.channels.twilio import payload as twilio

MESSAGE = "message"
STATUS = "status"
GENERIC = "generic"


def parse(provider: str, arrival_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
    """What a stored body says. Raises InvalidPayload, which names the field that is wrong."""
    match provider, arrival_type:
        case "twilio", "message":
            return twilio.parse_inbound(twilio.form_pairs(body))
        case "twilio", "status":
            return twilio.parse_status(twilio.form_pairs(body))
        case "simulator", "message":
            return simulator.parse_inbound(decoded(body))
        case "generic", "message":
            return generic.parse_inbound(decoded(body), channel=kind)
        case "smtp", "message":
            return mail.parse(body)
        case _, "status":
            return _foretold(decoded(body))
    raise InvalidPayload(f"Nothing from {provider} can be read as a {arrival_type}.")


def decoded(body: bytes) -> object:
    """A JSON body. Raises InvalidPayload."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidPayload("The body is not JSON.") from error


def encoded(data: object) -> bytes:
    """A decoded JSON body, to be kept."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _foretold(data: Any) -> StatusUpdate:
    """A status that an adapter said would come (`SendResult.later`)."""
    try:
        return StatusUpdate(data["provider_message_id"], data["status"], data.get("error_code", ""))
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidPayload("provider_message_id and status are needed.") from error
