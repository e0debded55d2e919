"""Which addresses Twilio needs, and what is set there now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from messaging.channels.abilities import HasWebhooks, WebhookAddress
from messaging.channels.registry import provider
from messaging.channels.twilio.check import SANDBOX
from messaging.channels.twilio.signature import OVERRIDES
from tests.fakes.twilio import ACCOUNT_SID
from tests.messaging.channels.conftest import OUR_NUMBER

twilio_provider = provider("twilio")
INBOUND = "https://crm.example.com/webhooks/twilio/whatsapp"
STATUS = "https://crm.example.com/webhooks/twilio/status"
SERVICE = "MG" + "0" * 32
SENDER = f"whatsapp:{OUR_NUMBER}"


def rows(account: Any, **urls: str) -> list[WebhookAddress]:
    assert isinstance(twilio_provider, HasWebhooks)
    return list(twilio_provider.webhooks(account, **{"inbound_url": INBOUND, "status_url": STATUS, **urls}))


def states(account: Any) -> list[tuple[str, str | None, bool | None]]:
    return [(row.purpose, row.found, row.is_right) for row in rows(account)]


def through_service(account: Any) -> Any:
    return replace(account, credentials={**account.credentials, "messaging_service_sid": SERVICE})


def test_the_retry_options_are_within_what_twilio_takes():
    options = dict(pair.split("=") for pair in OVERRIDES.removeprefix("#").split("&"))
    assert set(options) <= {"ct", "rt", "tt", "rc", "rp", "sni", "e"}
    assert 0 <= int(options["rc"]) <= 5
    assert 100 <= int(options["ct"]) <= 10_000
    assert 100 <= int(options["rt"]) <= 15_000
    assert int(options["rt"]) + int(options["ct"]) < 15_000 / 2, "there must be time for a second try"
    assert options["rp"] in {"4xx", "5xx", "ct", "rt", "all"}


@pytest.mark.parametrize("url", [INBOUND, INBOUND + OVERRIDES, INBOUND + "#rc=1"])
def test_a_whatsapp_sender_that_calls_us(twilio, whatsapp_account, url):
    twilio.senders |= {"whatsapp:+15005550009": "ONLINE", SENDER: "ONLINE"}
    twilio.webhooks[SENDER] = {"callback_url": url, "callback_method": "POST", "status_callback_url": STATUS}
    assert states(whatsapp_account) == [("inbound", url, True), ("status", STATUS, True)]
    assert [row.url for row in rows(whatsapp_account)] == [INBOUND + OVERRIDES, STATUS + OVERRIDES]
    assert "WhatsApp sender" in rows(whatsapp_account)[0].label


@pytest.mark.parametrize(
    ("webhook", "found"),
    [
        ({}, ""),
        ({"callback_url": "https://old.example.com/x"}, "https://old.example.com/x"),
        ({"callback_url": INBOUND, "callback_method": "GET"}, INBOUND),
        ({"callback_url": INBOUND + "/"}, INBOUND + "/"),
    ],
)
def test_a_whatsapp_sender_that_calls_somebody_else(twilio, whatsapp_account, webhook, found):
    twilio.senders[SENDER] = "ONLINE"
    twilio.webhooks[SENDER] = webhook
    assert states(whatsapp_account)[0] == ("inbound", found, False)


def test_a_number(twilio, sms_account):
    twilio.numbers[OUR_NUMBER] = True
    assert states(sms_account) == [("inbound", "", False)]
    twilio.webhooks[OUR_NUMBER] = {"sms_url": INBOUND + "#rc=2", "sms_method": "POST"}
    assert states(sms_account) == [("inbound", INBOUND + "#rc=2", True)]
    assert "A message comes in" in rows(sms_account)[0].label


def test_a_messaging_service(twilio, sms_account):
    twilio.services.add(SERVICE)
    twilio.webhooks[SERVICE] = {"inbound_request_url": INBOUND, "status_callback": STATUS}
    assert states(through_service(sms_account)) == [("inbound", INBOUND, True), ("status", STATUS, True)]
    assert "Integration" in rows(through_service(sms_account))[0].label


def test_a_messaging_service_that_leaves_it_to_its_numbers(twilio, sms_account):
    twilio.services.add(SERVICE)
    twilio.numbers[OUR_NUMBER] = True
    twilio.webhooks |= {SERVICE: {"use_inbound_webhook_on_number": True}, OUR_NUMBER: {"sms_url": INBOUND}}
    assert states(through_service(sms_account)) == [("inbound", INBOUND, True), ("status", "", False)]


def test_the_sandbox_can_not_be_seen(twilio, whatsapp_account):
    account = replace(whatsapp_account, address=SANDBOX)
    assert states(account) == [("inbound", None, None), ("status", None, None)]
    assert "sandbox" in rows(account)[0].label


@pytest.mark.parametrize(
    "changes",
    [{}, {"credentials": {}}, {"credentials": {"account_sid": ACCOUNT_SID, "auth_token": "old"}}, {"address": ""}],
)
def test_what_can_not_be_seen_is_left_open(twilio, whatsapp_account, sms_account, changes):
    for account in (whatsapp_account, sms_account):
        assert {row.is_right for row in rows(replace(account, **changes))} == {None}


def test_a_twilio_out_of_reach_is_no_error(twilio, whatsapp_account):
    twilio.stop()
    assert {row.found for row in rows(through_service(whatsapp_account))} == {None}


def test_without_an_address_of_ours_there_is_nothing_to_enter(twilio, whatsapp_account):
    assert rows(whatsapp_account, inbound_url="", status_url="") == []
