from __future__ import annotations

import time

import pytest

from messaging.channels.abilities import ShowsPresence
from messaging.channels.base import Retry, SendError
from messaging.channels.registry import provider
from messaging.channels.twilio import presence
from tests.fakes.twilio import Step

twilio_provider = provider("twilio")
SID = "SM" + "0" * 32
assert isinstance(twilio_provider, ShowsPresence)
show_typing = twilio_provider.show_typing


@pytest.mark.parametrize("sid", [SID, "MM" + "aF" * 16])
def test_typing_is_shown_under_their_message(twilio, whatsapp_account, sid):
    show_typing(whatsapp_account, sid)
    assert twilio.typing == [sid]
    assert twilio.violations == []


@pytest.mark.parametrize("sid", ["", "SM1", "ME" + "0" * 32, SID + "\n", "wamid.x"])
def test_what_is_no_message_of_twilios_is_refused_before_a_request(twilio, whatsapp_account, sid):
    with pytest.raises(SendError) as caught:
        show_typing(whatsapp_account, sid)
    assert caught.value.retry is Retry.FIX
    assert twilio.typing == []


def test_an_sms_shows_nothing(twilio, sms_account):
    show_typing(sms_account, SID)
    assert twilio.typing == []


def test_a_read_mark_of_its_own_is_unknown_to_twilio(twilio, whatsapp_account):
    twilio_provider.mark_read(whatsapp_account, SID)
    assert twilio.typing == []


@pytest.mark.parametrize(("step", "retry"), [(Step.refused(20003, 401), Retry.FIX), (Step.broken(), Retry.LATER)])
def test_a_refusal_is_reported(twilio, whatsapp_account, step, retry):
    twilio.typing_script.add("*", [step])
    with pytest.raises(SendError) as caught:
        show_typing(whatsapp_account, SID)
    assert caught.value.retry is retry


def test_nobody_waits_long_for_it(twilio, whatsapp_account, settings, monkeypatch):
    settings.PROVIDER_TIMEOUT_SECONDS = 30
    monkeypatch.setattr(presence, "SECONDS", 0.3)
    twilio.delay = 1.5
    started = time.monotonic()
    with pytest.raises(SendError) as caught:
        show_typing(whatsapp_account, SID)
    assert caught.value.retry is Retry.LATER
    assert time.monotonic() - started < 1.2
