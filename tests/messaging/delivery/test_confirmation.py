"""What nobody knows is asked, and never decided by failing to ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import every_organization
from messaging.channels.base import Retry, SendError, SentMessage
from messaging.delivery import confirmation, sending, statuses
from messaging.models import Message
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import THEIR_NUMBER, Webhooks, arrived, ask_provider, current, status_params, work

TO = f"whatsapp:{THEIR_NUMBER}"


def unconfirmed(queue: Any, twilio: FakeTwilio, step: Step, body: str = "Your visit is at 9.") -> Message:
    twilio.plan(step)
    message = queue(body)
    sending.deliver_due()
    assert current(message).status == "unconfirmed"
    return current(message)


def test_found_it_is_sent(queue: Any, twilio: FakeTwilio):
    message = unconfirmed(queue, twilio, Step.dropped(statuses=()))
    ask_provider()
    message = current(message)
    assert (message.status, message.provider_message_id) == ("sent", twilio.store.all()[0].sid)
    assert (message.error_code, message.due_at) == ("", None)
    assert twilio.creates(TO, message.body) == 1


def test_found_it_may_be_delivered_already(queue: Any, twilio: FakeTwilio):
    message = unconfirmed(queue, twilio, Step.dropped(callbacks_first=True))
    ask_provider()
    assert current(message).status == "delivered"


def test_found_it_may_have_failed(queue: Any, twilio: FakeTwilio):
    step = Step.dropped(statuses=("undelivered",), error_code=30005, callbacks_first=True)
    message = unconfirmed(queue, twilio, step)
    ask_provider()
    assert (current(message).status, current(message).error_code) == ("failed", "30005")


def test_not_found_it_is_asked_again_and_at_last_left_to_a_person(queue: Any, twilio: FakeTwilio):
    message = unconfirmed(queue, twilio, Step.lost())
    for planned in confirmation.RETRY_AFTER:
        ask_provider()
        assert current(message).status == "unconfirmed"
        assert planned - timedelta(seconds=5) < current(message).due_at - timezone.now() <= planned
    ask_provider()
    message = current(message)
    assert (message.status, message.due_at, message.can_retry) == ("unconfirmed", None, True)
    assert "Send again" in message.error_message
    assert len(twilio.store.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [SendError("20500", "Trouble.", Retry.LATER), RuntimeError("a fault"), None],
    ids=["refused", "fault", "never"],
)
def test_failing_to_ask_decides_nothing(answer: Any, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
    message = unconfirmed(queue, twilio, Step.dropped())

    def ask(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("messaging.channels.twilio.adapter.TwilioProvider.find_sent", ask)
    ask_provider()
    assert (current(message).status, current(message).reconcile_attempts) == ("unconfirmed", 1)


def test_secrets_that_cannot_be_read_decide_nothing(queue: Any, twilio: FakeTwilio, settings: Any):
    message = unconfirmed(queue, twilio, Step.dropped())
    settings.ENCRYPTION_KEYS = ["b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktMDAwMDA="]
    ask_provider()
    assert (current(message).status, current(message).reconcile_attempts) == ("unconfirmed", 1)


def test_a_callback_is_quicker(queue: Any, twilio: FakeTwilio, webhooks: Webhooks):
    message = unconfirmed(queue, twilio, Step.dropped(statuses=()))
    webhooks.status(status_params(twilio.store.all()[0].sid, "delivered"), message=message)
    work()
    assert (current(message).status, current(message).due_at) == ("delivered", None)
    ask_provider()
    assert current(message).status == "delivered"
    assert not arrived(state="set_aside")


class TestEqualTexts:
    def test_one_that_was_sent_before_is_not_taken_for_it(self, queue: Any, twilio: FakeTwilio):
        first = queue("Hi")
        sending.deliver_due()
        second = unconfirmed(queue, twilio, Step.lost(), "Hi")
        ask_provider()
        assert (current(first).status, current(second).status) == ("sent", "unconfirmed")

    def test_each_gets_its_own(self, queue: Any, twilio: FakeTwilio):
        rows = [unconfirmed(queue, twilio, Step.dropped(statuses=()), "Hi") for _ in range(3)]
        ask_provider()
        assert {current(row).status for row in rows} == {"sent"}
        assert {current(row).provider_message_id for row in rows} == {one.sid for one in twilio.store.all()}

    def test_as_many_are_sent_as_arrived(self, queue: Any, twilio: FakeTwilio):
        rows = [unconfirmed(queue, twilio, step, "Hi") for step in (Step.lost(), Step.dropped(statuses=()))]
        ask_provider()
        assert sorted(current(row).status for row in rows) == ["sent", "unconfirmed"]

    def test_while_one_is_under_way_nothing_is_guessed(self, queue: Any, twilio: FakeTwilio):
        message = unconfirmed(queue, twilio, Step.dropped(statuses=()), "Hi")
        other = queue("Hi")
        with every_organization("it is being sent in this moment"):
            Message.objects.filter(pk=other.pk).update(
                status="sending", request_began_at=timezone.now(), due_at=timezone.now() + timedelta(minutes=5)
            )
        with every_organization("only the one is asked about"):
            Message.objects.filter(pk=message.pk).update(due_at=timezone.now())
        confirmation.confirm_due()
        assert (current(message).status, current(message).reconcile_attempts) == ("unconfirmed", 0)
        assert current(message).due_at > timezone.now()

    def test_the_earlier_attempt_of_another_is_not_taken_for_it(
        self, queue: Any, twilio: FakeTwilio, webhooks: Webhooks
    ):
        other = queue("Hi")
        sending.deliver_due()
        sid = current(other).provider_message_id
        with every_organization("it failed after all and waits for its second attempt"):
            statuses.fail(current(other), statuses.Failure("30003", "Off.", Retry.LATER))
        message = unconfirmed(queue, twilio, Step.lost(), "Hi")
        with every_organization("only the one is asked about"):
            Message.objects.filter(pk=message.pk).update(due_at=timezone.now())
        confirmation.confirm_due()
        assert sid in current(other).extra["earlier_ids"]
        assert current(message).status == "unconfirmed"

    def test_another_time_is_another_message(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        message = unconfirmed(queue, twilio, Step.lost())
        late = timezone.now() + timedelta(hours=2)
        found = [SentMessage("SM" + "9" * 32, THEIR_NUMBER, message.body, "sent", late)]
        monkeypatch.setattr("messaging.channels.twilio.adapter.TwilioProvider.find_sent", lambda *_, **__: found)
        ask_provider()
        assert current(message).status == "unconfirmed"


def test_one_that_cannot_be_settled_does_not_stop_the_others(queue: Any, twilio: FakeTwilio, monkeypatch: Any):
    rows = [unconfirmed(queue, twilio, Step.dropped(statuses=()), f"text {n}") for n in range(3)]
    real = confirmation._settle

    def settle(message: Message, found: Any) -> None:
        if message.pk == rows[0].pk:
            raise RuntimeError("a fault")
        real(message, found)

    monkeypatch.setattr(confirmation, "_settle", settle)
    ask_provider()
    assert [current(row).status for row in rows] == ["unconfirmed", "sent", "sent"]
