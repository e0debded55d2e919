"""The addresses of ours that Twilio calls: where they are entered, and what is entered there now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.utils.html import format_html
from django.utils.translation import gettext as _
from twilio.rest import Client

from messaging.channels.abilities import WebhookAddress
from messaging.channels.base import Account, Kind, SendError
from messaging.channels.twilio.account import channel_address, client_for, messaging_service_sid
from messaging.channels.twilio.calls import complete, reading, records
from messaging.channels.twilio.check import SANDBOX
from messaging.channels.twilio.signature import OVERRIDES

MAX_PAGES: Final = 20

_SANDBOX_INBOUND: Final = "the WhatsApp sandbox's “When a message comes in”"
_SANDBOX_STATUS: Final = "the WhatsApp sandbox's “Status callback URL”"
_SENDER_INBOUND: Final = "the WhatsApp sender's “Webhook URL for incoming messages”"
_SENDER_STATUS: Final = "the WhatsApp sender's “Status callback URL”"
_NUMBER_INBOUND: Final = "the number's “A message comes in”"
_SERVICE_INBOUND: Final = "the messaging service's “Integration → Incoming messages”: “Send a webhook”"
_SERVICE_STATUS: Final = "the messaging service's “Integration → Delivery status callback”"


def webhooks(account: Account, *, inbound_url: str, status_url: str) -> list[WebhookAddress]:
    """Where each address belongs, and whether it stands there; never raises for what it can't see.

    Each message of ours names its own address for its statuses; the one of the sender or the service is for the rest.
    An empty address of ours has no row.
    """
    seen = _seen(account)
    rows = [
        _inbound(seen, account, inbound_url) if inbound_url else None,
        _status(seen, account, status_url) if status_url else None,
    ]
    return [row for row in rows if row is not None]


def to_enter(*, inbound_url: str, status_url: str) -> list[WebhookAddress]:
    """The addresses to be copied, without asking Twilio where they belong and what stands there."""
    return [
        WebhookAddress("inbound", "where messages come in", f"{inbound_url}{OVERRIDES}"),
        WebhookAddress("status", "where deliveries are reported", f"{status_url}{OVERRIDES}"),
    ]


def place(kind: Kind, address: str, *, has_service: bool) -> str:
    """Where in Twilio's console the addresses are entered, as safe HTML."""
    number = format_html('<bdi class="num">{}</bdi>', address)
    if has_service:
        return _("In the Twilio console: Messaging → Services → your service → Integration.")
    if kind is Kind.WHATSAPP:
        return format_html(_("In the Twilio console: Messaging → Senders → WhatsApp senders → {}."), number)
    text = _("In the Twilio console: Phone Numbers → Active numbers → {}, under Messaging.")
    return format_html(text, number)


class _Seen:
    """The records of the API; None where it can't be read or has none."""

    def __init__(self, service: Any, owner: Any) -> None:
        self.service = service
        self.owner = owner  # the WhatsApp sender's webhook as an object, or the number's record


def _seen(account: Account) -> _Seen:
    try:
        client = client_for(account)
        sid = messaging_service_sid(account)
    except SendError:
        return _Seen(None, None)
    service = _answer_to(lambda: complete(client.messaging.v1.services(sid).fetch())) if sid else None
    find = _sender_webhook if account.kind is Kind.WHATSAPP else _number
    return _Seen(service, _answer_to(lambda: find(client, account)))


def _answer_to(question: Callable[[], Any]) -> object:
    try:
        with reading():
            return question()
    except SendError:
        return None


def _sender_webhook(client: Client, account: Account) -> dict[str, object] | None:
    own_id = channel_address(Kind.WHATSAPP, account.address)
    if account.address in ("", SANDBOX):
        return None
    first = client.messaging.v2.channels_senders.page(channel="whatsapp", page_size=100)
    senders = records(first, "senders", most=MAX_PAGES, required=("sid", "sender_id"))
    result = next((sender for sender in senders if sender.sender_id == own_id), None)
    if result is None:
        return None
    # The list may leave the webhook out; the sender itself has it.
    webhook = result.webhook or complete(client.messaging.v2.channels_senders(result.sid).fetch()).webhook
    return dict(webhook) if isinstance(webhook, dict) else {}


def _number(client: Client, account: Account) -> object:
    if not account.address:
        return None
    first = client.incoming_phone_numbers.page(phone_number=account.address, page_size=1)
    return next(records(first, "incoming_phone_numbers", most=MAX_PAGES), None)


def _inbound(seen: _Seen, account: Account, url: str) -> WebhookAddress:
    if _through_service(seen, account):
        result, method = _of(seen.service, "inbound_request_url", "inbound_method")
        return _row("inbound", _SERVICE_INBOUND, url, result, method)
    if account.kind is Kind.WHATSAPP:
        result, method = _in(seen.owner, "callback_url", "callback_method")
        label = _SANDBOX_INBOUND if account.address == SANDBOX else _SENDER_INBOUND
        return _row("inbound", label, url, result, method)
    result, method = _of(seen.owner, "sms_url", "sms_method")
    return _row("inbound", _NUMBER_INBOUND, url, result, method)


def _through_service(seen: _Seen, account: Account) -> bool:
    """Whether the service's address gets inbound messages: unless it is set to leave them to its numbers."""
    if not account.credentials.get("messaging_service_sid"):
        return False
    return not (seen.service is not None and seen.service.use_inbound_webhook_on_number)


def _status(seen: _Seen, account: Account, url: str) -> WebhookAddress | None:
    if account.credentials.get("messaging_service_sid"):
        result, _ = _of(seen.service, "status_callback", "")
        return _row("status", _SERVICE_STATUS, url, result, "POST")
    if account.kind is not Kind.WHATSAPP:
        return None  # a number has none for messages
    result, method = _in(seen.owner, "status_callback_url", "status_callback_method")
    label = _SANDBOX_STATUS if account.address == SANDBOX else _SENDER_STATUS
    return _row("status", label, url, result, method)


def _of(record: object, url: str, method: str) -> tuple[str | None, str]:
    """An address and its method out of a record of the library; None where there is no record."""
    if record is None:
        return None, ""
    return str(getattr(record, url, None) or ""), str(getattr(record, method, None) or "POST")


def _in(webhook: dict[str, object] | None, url: str, method: str) -> tuple[str | None, str]:
    if webhook is None:
        return None, ""
    return str(webhook.get(url) or ""), str(webhook.get(method) or "POST")


def _row(purpose: str, label: str, url: str, current: str | None, method: str) -> WebhookAddress:
    is_right = None if current is None else _bare(current) == _bare(url) and method.upper() == "POST"
    return WebhookAddress(purpose, label, _bare(url) + OVERRIDES, current, is_right)


def _bare(url: str) -> str:
    """An address without what Twilio keeps for itself, to be compared."""
    return url.partition("#")[0].strip()
