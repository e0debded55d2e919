"""Parsing stored deliveries, by the provider that they came from."""

from __future__ import annotations

from typing import Any, Final

from messaging.channels import registry
from messaging.channels.abilities import STATUS, ParsesDeliveries, ReceivesWebhooks
from messaging.channels.base import InvalidPayload, Provider, ReceivedMessage, StatusUpdate
from messaging.channels.fields import decoded
from messaging.channels.generic.payload import Submissions

GENERIC: Final = "generic"  # handed in through our API, which no provider stands behind

_SUBMISSIONS: Final = Submissions()


def parse(source: str, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
    """Parse a body from a provider or GENERIC. Raises InvalidPayload, which names the field that is wrong."""
    reader = _reader(source)
    if delivery_type == STATUS and not isinstance(reader, ReceivesWebhooks):
        return _foretold(decoded(body))
    if not isinstance(reader, ParsesDeliveries):
        raise InvalidPayload(f"Nothing from {source} can be read as a {delivery_type}.")
    return reader.parse(delivery_type, body, kind=kind)


def _reader(source: str) -> Provider | Submissions | None:
    if source == GENERIC:
        return _SUBMISSIONS
    try:
        return registry.provider(source)
    except registry.UnknownProvider:  # it was taken out of the registry, and its deliveries are still here
        return None


def _foretold(data: Any) -> StatusUpdate:
    """A status that an adapter announced (`SendResult.later`)."""
    try:
        return StatusUpdate(data["provider_message_id"], data["status"], data.get("error_code", ""))
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidPayload("provider_message_id and status are needed.") from error
