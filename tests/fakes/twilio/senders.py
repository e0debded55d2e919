"""What sends and receives: numbers, WhatsApp senders and messaging services, with the webhooks set on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.twilio import schema
from tests.fakes.twilio.answers import Answer, error
from tests.fakes.twilio.store import meta

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio

TYPING = "/v2/Indicators/Typing.json"


def list_numbers(twilio: FakeTwilio, *, account: str, query: Mapping[str, str], path: str, **_: Any) -> Answer:
    wanted = query.get("PhoneNumber", "")
    numbers = [
        {
            "sid": f"PN{position:032x}",
            "account_sid": account,
            "phone_number": number,
            "capabilities": {"voice": True, "sms": has_sms, "mms": False, "fax": False},
            **_numbers_webhook(twilio.webhooks.get(number, {})),
        }
        for position, (number, has_sms) in enumerate(twilio.numbers.items())
        if wanted in ("", number)
    ]
    paging = {"page": 0, "page_size": 50, "next_page_uri": None, "uri": path}
    return Answer(200, {"incoming_phone_numbers": numbers, **paging})


def list_senders(twilio: FakeTwilio, *, path: str, **_: Any) -> Answer:
    senders = [_sender(twilio, position) for position in range(len(twilio.senders))]
    url = f"https://messaging.twilio.com{path}"
    return Answer(200, {"senders": senders, "meta": meta("senders", url, 100, 0, has_next=False)})


def fetch_sender(twilio: FakeTwilio, *, sid: str, **_: Any) -> Answer:
    senders = [_sender(twilio, position) for position in range(len(twilio.senders))]
    found = next((sender for sender in senders if sender["sid"] == sid), None)
    return Answer(200, found) if found else error(404, 20404, "The requested resource was not found")


def fetch_service(twilio: FakeTwilio, *, account: str, sid: str, **_: Any) -> Answer:
    if sid not in twilio.services:
        return error(404, 20404, "The requested resource was not found")
    return Answer(
        200,
        {
            "sid": sid,
            "account_sid": account,
            "friendly_name": "A service",
            "inbound_request_url": None,
            "inbound_method": "POST",
            "status_callback": None,
            "use_inbound_webhook_on_number": False,
            **twilio.webhooks.get(sid, {}),
        },
    )


def show_typing(twilio: FakeTwilio, *, form: Mapping[str, Any], **_: Any) -> Answer:
    if wrong := schema.problems(TYPING, form):
        twilio.violations += wrong
        return error(400, 20001, f"Not as documented: {wrong[0]}")
    twilio.typing.append(form.get("messageId", ""))
    step = twilio.typing_script.next_for("*")
    if step.kind == "refuse":
        return error(step.http, step.code, "Refused by the script")
    return Answer(200, {"success": True})


def _numbers_webhook(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"sms_url": "", "sms_method": "POST", **settings}


def _sender(twilio: FakeTwilio, position: int) -> dict[str, Any]:
    address, status = list(twilio.senders.items())[position]
    none = {"callback_url": None, "callback_method": "POST", "status_callback_url": None}
    return {
        "sid": f"XE{position:032x}",
        "sender_id": address,
        "status": status,
        "webhook": {**none, **twilio.webhooks.get(address, {})},
    }
