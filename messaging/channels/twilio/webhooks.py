"""Twilio's webhooks: the channel that a request names, its signature, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from messaging.channels.abilities import (
    MESSAGE,
    STATUS,
    AccountIds,
    Hook,
    Proof,
    WebhookReply,
    WebhookRequest,
    WebhookRoute,
)
from messaging.channels.base import InvalidPayload, Kind, ReceivedMessage, StatusUpdate
from messaging.channels.public_address import webhook_url
from messaging.channels.text import clean
from messaging.channels.twilio import payload, signature
from messaging.channels.twilio.account import WHATSAPP_PREFIX

HOOKS: Final[Mapping[str, Hook]] = MappingProxyType(
    {"whatsapp": Hook(MESSAGE, Kind.WHATSAPP), "sms": Hook(MESSAGE, Kind.SMS), "status": Hook(STATUS)}
)
MAX_BYTES: Final = 64 * 1024  # Twilio's own are a few kilobytes
REPLY: Final = WebhookReply('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")


def route(request: WebhookRequest) -> WebhookRoute:
    """The route in the form. A status is about a message of ours, so its address is the sender's.

    A body that is no form names nothing; it is kept all the same.
    """
    params = _params(request.body)
    is_status = request.hook.type == STATUS
    address = params.get("From" if is_status else "To", "")
    return WebhookRoute(
        kind=_kind_of_status(params, address) if is_status else request.hook.kind,
        address=address.removeprefix(WHATSAPP_PREFIX),
        messaging_service_id=params.get("MessagingServiceSid", ""),
        account_id=params.get("AccountSid", ""),
        provider_message_id=params.get("MessageSid", ""),
        about=_about(params) if is_status else "",
        signature=request.headers.get(signature.HEADER, ""),
    )


def verify(proof: Proof, body: bytes, credentials: Mapping[str, object]) -> bool:
    """Whether the request was signed with the account's auth token. Never raises."""
    token = credentials.get("auth_token")
    return signature.verify(
        urls=[proof.url, webhook_url(proof.path)],
        body=body,
        content_type=proof.content_type,
        signature=proof.signature,
        token=token if isinstance(token, str) else None,
    )


def parse(delivery_type: str, body: bytes) -> ReceivedMessage | StatusUpdate:
    """Raises InvalidPayload, which names the field that is wrong."""
    pairs = payload.form_pairs(body)
    return payload.parse_status(pairs) if delivery_type == STATUS else payload.parse_inbound(pairs)


def account_ids(credentials: Mapping[str, object]) -> AccountIds:
    """The ids by which `route` names an account, beside its address."""
    return AccountIds(
        account_id=str(credentials.get("account_sid", "")),
        messaging_service_id=str(credentials.get("messaging_service_sid", "") or ""),
    )


def _kind_of_status(params: Mapping[str, str], address: str) -> Kind:
    is_whatsapp = address.startswith(WHATSAPP_PREFIX) or params.get("ChannelPrefix") == "whatsapp"
    return Kind.WHATSAPP if is_whatsapp else Kind.SMS


def _about(params: Mapping[str, str]) -> str:
    return f"{params.get('MessageStatus') or params.get('SmsStatus', '')}:{params.get('ErrorCode', '')}"


def _params(body: bytes) -> dict[str, str]:
    """The first value of each parameter; none of a body that is no form."""
    try:
        pairs = payload.form_pairs(body)
    except InvalidPayload:
        return {}
    return {clean(name): clean(value) for name, value in reversed(pairs)}
