"""Everything that Twilio holds of a channel in a time, both ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.channels.abilities import ListedMessage, ListsMessages
from messaging.channels.base import Retry, SendError
from messaging.channels.registry import provider
from messaging.channels.twilio import listing
from messaging.channels.twilio.payload import form_pairs, parse_inbound, parse_status
from tests.fakes.twilio import ACCOUNT_SID, File
from tests.fakes.twilio.store import Message
from tests.messaging.channels.conftest import OUR_NUMBER, THEIR_NUMBER

twilio_provider = provider("twilio")
OURS, THEIRS = f"whatsapp:{OUR_NUMBER}", f"whatsapp:{THEIR_NUMBER}"
UNTIL = datetime.now(UTC).replace(microsecond=0)
SINCE = UNTIL - timedelta(days=2)
SERVICE = "MG" + "0" * 32


def listed(account: Any, since: datetime = SINCE, until: datetime = UNTIL) -> list[ListedMessage]:
    assert isinstance(twilio_provider, ListsMessages)
    return list(twilio_provider.list_messages(account, since=since, until=until))


def ids(account: Any, **times: datetime) -> list[str]:
    return [one.provider_message_id for one in listed(account, **times)]


def sent(twilio: Any, hours: float = 1, **more: Any) -> Message:
    at = UNTIL - timedelta(hours=hours)
    fields = {"to": THEIRS, "sender": OURS, "body": "Hello", "status": "delivered", "created_at": at, "sent_at": at}
    kept: Message = twilio.store.keep(Message(account_sid=ACCOUNT_SID, **{**fields, **more}))
    return kept


def got(twilio: Any, hours: float = 1, **more: Any) -> Message:
    at = UNTIL - timedelta(hours=hours)
    kept: Message = twilio.receive(**{"sender": THEIRS, "to": OURS, "at": at, **more})
    return kept


def test_both_ways_oldest_first(twilio, whatsapp_account):
    newest, oldest, middle = got(twilio, 1), got(twilio, 40), sent(twilio, 20)
    assert ids(whatsapp_account) == [oldest.sid, middle.sid, newest.sid]


def test_what_came_in_is_reported_as_its_webhook_would_have(twilio, whatsapp_account):
    files = [File(content_type="image/jpeg"), File(content_type="application/pdf")]
    stored = got(twilio, 3, body="Grüße 🙂\n& = +", files=files)
    [one] = listed(whatsapp_account)
    assert (one.is_inbound, one.other, one.body) == (True, THEIR_NUMBER, "Grüße 🙂\n& = +")
    assert (one.at, one.status, one.raw_status) == (stored.sent_at, "", "received")
    message = parse_inbound(form_pairs(one.webhook))
    assert (message.provider_message_id, message.sender, message.to) == (stored.sid, THEIR_NUMBER, OUR_NUMBER)
    assert (message.body, message.account_id) == (stored.body, ACCOUNT_SID)
    assert [(file.url, file.content_type) for file in message.media] == [
        (file.url(stored), file.content_type) for file in files
    ]
    assert message.extra == {"SmsMessageSid": stored.sid, "NumMedia": "2"}


def test_a_user_without_a_phone_number(twilio, whatsapp_account):
    got(twilio, sender="whatsapp:US.0001")
    [one] = listed(whatsapp_account)
    assert one.other == "US.0001"
    assert parse_inbound(form_pairs(one.webhook)).sender_user_id == "US.0001"


def test_what_went_out_is_reported_as_its_status(twilio, sms_account):
    stored = sent(twilio, to=THEIR_NUMBER, sender=OUR_NUMBER, status="undelivered", error_code=30003)
    [one] = listed(sms_account)
    assert (one.is_inbound, one.other, one.status) == (False, THEIR_NUMBER, "failed")
    assert (one.raw_status, one.error_code) == ("undelivered", "30003")
    status = parse_status(form_pairs(one.webhook))
    assert (status.provider_message_id, status.status, status.error_code) == (stored.sid, "failed", "30003")


def test_a_message_that_waits_is_reported_at_the_time_it_was_made(twilio, whatsapp_account):
    waiting = sent(twilio, 5, status="queued", sent_at=None)
    sent(twilio, 100, status="queued", sent_at=None)
    later = got(twilio, 1)
    assert ids(whatsapp_account) == [waiting.sid, later.sid]


def test_others_messages_are_left_out(twilio, whatsapp_account, sms_account):
    got(twilio, to="whatsapp:+15005550009")
    got(twilio, sender=THEIR_NUMBER, to=OUR_NUMBER)
    sent(twilio, sender="whatsapp:+15005550009")
    mine = got(twilio)
    assert ids(whatsapp_account) == [mine.sid]
    assert len(ids(sms_account)) == 1


def test_the_time_is_kept_to_the_second(twilio, whatsapp_account):
    at_first, at_last = got(twilio, 48), got(twilio, 0)
    got(twilio, 48.001)
    got(twilio, -0.001)
    assert ids(whatsapp_account) == [at_first.sid, at_last.sid]
    assert ids(whatsapp_account, since=UNTIL, until=UNTIL) == []
    assert ids(whatsapp_account, since=UNTIL, until=SINCE) == []


def test_none_is_reported_twice_where_windows_meet(twilio, whatsapp_account):
    messages = [got(twilio, hours) for hours in (36, 24, 12)]
    assert ids(whatsapp_account) == [one.sid for one in messages]


def test_every_page_of_a_window_is_read(twilio, whatsapp_account, monkeypatch):
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    messages = [got(twilio, 7 - number / 10) for number in range(7)]
    assert ids(whatsapp_account) == [one.sid for one in messages]


def test_a_window_is_asked_for_when_it_is_wanted(twilio, whatsapp_account, monkeypatch):
    got(twilio, 47)
    asked: list[str] = []
    answer = twilio.answer
    monkeypatch.setattr(twilio, "answer", lambda *parts: asked.append(parts[1]) or answer(*parts))
    messages = twilio_provider.list_messages(whatsapp_account, since=SINCE, until=UNTIL)
    assert asked == []
    next(messages)
    first = len(asked)
    assert list(messages) == []
    assert 0 < first < len(asked)


def through_service(account: Any, **changes: Any) -> Any:
    return replace(account, credentials={**account.credentials, "messaging_service_sid": SERVICE}, **changes)


def test_a_messaging_services_messages_are_found_by_any_sender(twilio, whatsapp_account):
    mine = sent(twilio, 3, sender="whatsapp:+15005550009", messaging_service_sid=SERVICE)
    waiting = sent(twilio, 2, sender=None, messaging_service_sid=SERVICE, status="accepted", sent_at=None)
    sent(twilio)
    sent(twilio, to=THEIR_NUMBER, sender="+15005550009", messaging_service_sid=SERVICE)
    answer = got(twilio)
    elsewhere = got(twilio, to="whatsapp:+15005550009", service=SERVICE)
    assert ids(through_service(whatsapp_account)) == [mine.sid, waiting.sid, answer.sid]
    without_number = ids(through_service(whatsapp_account, address=""))
    assert without_number == [mine.sid, waiting.sid, elsewhere.sid]


def test_files_that_were_deleted_since_do_not_lose_the_message(twilio, whatsapp_account, monkeypatch):
    stored = got(twilio, files=[File()])
    answer = twilio.answer

    def without_media(method: str, target: str, *rest: Any) -> Any:
        return answer(method, target.replace(stored.sid, "MM1") if "/Media" in target else target, *rest)

    monkeypatch.setattr(twilio, "answer", without_media)
    [one] = listed(whatsapp_account)
    assert parse_inbound(form_pairs(one.webhook)).media == []


@pytest.mark.parametrize(
    ("changes", "retry"),
    [
        ({"credentials": {}}, Retry.FIX),
        ({"credentials": {"account_sid": ACCOUNT_SID, "auth_token": "old"}}, Retry.FIX),
        ({"address": ""}, Retry.FIX),
    ],
)
def test_what_can_not_be_asked_is_reported(twilio, whatsapp_account, changes, retry):
    with pytest.raises(SendError) as caught:
        listed(replace(whatsapp_account, **changes))
    assert caught.value.retry is retry


def test_a_twilio_out_of_reach_is_asked_again(twilio, whatsapp_account):
    twilio.stop()
    with pytest.raises(SendError) as caught:
        listed(whatsapp_account)
    assert caught.value.retry is Retry.LATER
