from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from messaging.channels.base import Retry, SendError, SendUnconfirmed, SentMessage
from messaging.channels.registry import provider
from messaging.channels.twilio import listing
from tests.fakes.twilio import ACCOUNT_SID, Step
from tests.fakes.twilio.store import Message
from tests.messaging.channels.conftest import OUR_NUMBER, THEIR_NUMBER

twilio_provider = provider("twilio")


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC)


def put(twilio, *, sender: str | None = OUR_NUMBER, to: str = THEIR_NUMBER, **more) -> Message:
    message: Message = twilio.store.add(Message(ACCOUNT_SID, to, sender, more.pop("body", "Hello"), **more))
    return message


def listed(account, message, since) -> list[SentMessage]:
    return list(twilio_provider.find_sent(account, message, since=since) or [])


def found(account, message, since) -> list[str]:
    return [one.provider_message_id for one in listed(account, message, since)]


@pytest.mark.parametrize("step", [Step.dropped(), Step.dropped(statuses=())], ids=["sent", "waiting"])
def test_a_message_that_arrived_without_an_answer_is_found(twilio, whatsapp_account, message, since, step):
    """Also while it waits at Twilio, when it has no DateSent."""
    twilio.plan(step)
    with pytest.raises(SendUnconfirmed):
        twilio_provider.send(whatsapp_account, message)
    twilio.statuses.wait()
    [one] = listed(whatsapp_account, message, since)
    [stored] = twilio.store.all()
    assert (one.provider_message_id, one.to, one.body) == (stored.sid, THEIR_NUMBER, message.body)
    assert one.status == ("delivered" if step.statuses else "sent")
    assert one.created_at is not None
    assert abs(one.created_at - stored.created_at) < timedelta(seconds=1)


def test_a_message_that_was_lost_is_not_found(twilio, whatsapp_account, message, since):
    twilio.plan(Step.lost())
    with pytest.raises(SendUnconfirmed):
        twilio_provider.send(whatsapp_account, message)
    assert found(whatsapp_account, message, since) == []


def test_the_failure_of_a_found_message_is_reported(twilio, sms_account, message, since):
    twilio.plan(Step.failing(30005, gap=0))
    twilio_provider.send(sms_account, message)
    twilio.statuses.wait()
    [one] = listed(sms_account, message, since)
    assert (one.status, one.error_code) == ("failed", "30005")


def test_older_messages_and_those_of_others_are_left_out(twilio, sms_account, message, since):
    put(twilio, created_at=since - timedelta(minutes=5))
    put(twilio, sender=THEIR_NUMBER, to=OUR_NUMBER, direction="inbound")
    put(twilio, sender="+15005550009")
    put(twilio, to="+15005550102")
    mine = put(twilio)
    assert found(sms_account, message, since) == [mine.sid]


def test_a_clock_that_is_a_little_behind_hides_nothing(twilio, sms_account, message, since):
    mine = put(twilio, created_at=since - timedelta(seconds=2))
    assert found(sms_account, message, since) == [mine.sid]


def test_messages_of_the_messaging_service_are_found_by_any_sender(twilio, sms_account, message, since):
    service = "MG" + "0" * 32
    account = replace(sms_account, credentials={**sms_account.credentials, "messaging_service_sid": service})
    mine = put(twilio, sender=None, messaging_service_sid=service)
    put(twilio, sender=OUR_NUMBER)
    assert found(account, message, since) == [mine.sid]


def test_several_pages_are_read_newest_first_and_not_without_end(twilio, sms_account, message, since, monkeypatch):
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    sent = [
        put(twilio, sent_at=since + timedelta(seconds=n), created_at=since + timedelta(seconds=n)) for n in range(9)
    ]
    assert found(sms_account, message, since) == [one.sid for one in reversed(sent[3:])]


@pytest.mark.parametrize(
    ("credentials", "retry"), [({"auth_token": "old"}, Retry.FIX), ({"account_sid": "AC" + "9" * 32}, Retry.FIX)]
)
def test_a_refused_question_is_not_an_empty_answer(twilio, sms_account, message, since, credentials, retry):
    account = replace(sms_account, credentials={**sms_account.credentials, **credentials})
    with pytest.raises(SendError) as caught:
        twilio_provider.find_sent(account, message, since=since)
    assert caught.value.retry is retry


def test_a_twilio_out_of_reach_is_asked_again_later(twilio, sms_account, message, since):
    twilio.stop()
    with pytest.raises(SendError) as caught:
        twilio_provider.find_sent(sms_account, message, since=since)
    assert caught.value.retry is Retry.LATER
