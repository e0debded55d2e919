from __future__ import annotations

from dataclasses import replace

import pytest

from messaging.channels.registry import provider
from messaging.channels.twilio.check import SANDBOX
from tests.messaging.channels.conftest import OUR_NUMBER

check = provider("twilio").check


def codes(account) -> list[str]:
    problems = check(account)
    assert all(problem.detail.endswith(".") and len(problem.detail) > 40 for problem in problems)
    return [problem.code for problem in problems]


def with_credentials(account, **credentials):
    return replace(account, credentials={**account.credentials, **credentials})


def test_a_number_of_the_account_is_well(twilio, sms_account):
    twilio.numbers[OUR_NUMBER] = True
    assert codes(sms_account) == []


@pytest.mark.parametrize("numbers", [{}, {"+15005550009": True}, {OUR_NUMBER: False}])
def test_a_number_that_is_missing_or_cannot_send_is_reported(twilio, sms_account, numbers):
    twilio.numbers.update(numbers)
    assert codes(sms_account) == ["address"]


def test_a_whatsapp_sender_of_the_account_is_well(twilio, whatsapp_account):
    twilio.senders.update({"whatsapp:+15005550009": "ONLINE", f"whatsapp:{OUR_NUMBER}": "ONLINE"})
    assert codes(whatsapp_account) == []
    assert codes(replace(whatsapp_account, address=SANDBOX)) == []


@pytest.mark.parametrize("senders", [{}, {f"whatsapp:{OUR_NUMBER}": "OFFLINE"}])
def test_a_whatsapp_sender_that_is_missing_or_offline_is_reported(twilio, whatsapp_account, senders):
    twilio.senders.update(senders)
    assert codes(whatsapp_account) == ["address"]


def test_a_messaging_service_is_looked_up(twilio, sms_account):
    service = "MG" + "0" * 32
    account = with_credentials(sms_account, messaging_service_sid=service)
    assert codes(account) == ["messaging_service"]
    twilio.services.add(service)
    assert codes(account) == []
    assert codes(with_credentials(sms_account, messaging_service_sid="MG../x")) == ["21701"]


@pytest.mark.parametrize("credentials", [{"auth_token": "old"}, {"account_sid": "AC" + "9" * 32}, {"auth_token": ""}])
def test_wrong_credentials_are_reported(twilio, sms_account, credentials):
    assert codes(with_credentials(sms_account, **credentials)) == ["credentials"]


def test_a_suspended_account_is_reported(twilio, sms_account):
    twilio.account_status = "suspended"
    assert codes(sms_account) == ["account"]


def test_a_twilio_out_of_reach_is_reported(twilio, sms_account):
    twilio.stop()
    assert codes(sms_account) == ["connection"]


def test_nothing_is_sent(twilio, sms_account):
    check(sms_account)
    assert twilio.store.requests == []
