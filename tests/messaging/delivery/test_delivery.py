"""A send is claimed, sent, settled; nothing is lost, nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from messaging.channels.base import Retry
from messaging.channels.twilio.signature import OVERRIDES
from messaging.delivery import outgoing, rates, sending, statuses
from messaging.delivery import request as attempt
from messaging.delivery.request import deliver
from messaging.delivery.settling import settle_failure, settle_sent
from messaging.models import Channel, Conversation, Message
from messaging.settings import services as channels
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import THEIR_NUMBER, current, make_due

TO = f"whatsapp:{THEIR_NUMBER}"


@pytest.fixture(autouse=True)
def nobody_is_paused() -> None:
    rates._paused.clear()


def begin(message: Message) -> bool:
    with organization_scope(message.organization):
        return attempt.begin(message)


class TestSending:
    def test_it_leaves_and_is_reported(self, thread: Conversation, queue: Any, twilio: FakeTwilio, settings: Any):
        settings.TWILIO_WEBHOOK_BASE_URL = "https://crm.example"
        twilio.plan(Step(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        sent = current(message)
        assert (sent.status, sent.due_at, sent.claim_token, sent.attempts) == ("sent", None, None, 1)
        assert sent.provider_message_id == twilio.store.all()[0].sid
        (request,) = twilio.store.requests
        assert (request["To"], request["Body"]) == (TO, "Hello")
        assert (
            request["StatusCallback"] == f"https://crm.example/webhooks/twilio/status?message={message.pk}{OVERRIDES}"
        )
        assert (sent.conversation.last_message_status, sent.conversation.waiting_since) == ("sent", None)
        with organization_scope(thread.organization):
            assert Event.objects.get(type="message.sent").subject_id == str(message.pk)

    def test_a_message_without_an_end_costs_the_same_queries(self, queue: Any, twilio: FakeTwilio):
        def count() -> int:
            queue("text")
            with CaptureQueriesContext(connection) as queries:
                sending.deliver_due()
            return len(queries)

        count()
        few = count()
        for number in range(30):
            queue(f"text {number}", not_before_at=timezone.now() + timedelta(hours=1))
        assert count() == few
        # Four of them write what it costs.
        assert few <= 28

    def test_twenty_together_cost_less_each(self, queue: Any, twilio: FakeTwilio):
        for number in range(20):
            queue(f"text {number}")
        with CaptureQueriesContext(connection) as queries:
            sending.deliver_due()
        assert len(twilio.store.all()) == 20
        assert len(queries) / 20 <= 16


class TestFailing:
    def test_again_with_longer_waits_until_the_schedule_ends(self, queue: Any, twilio: FakeTwilio):
        twilio.plan(Step.refused(30001, times=0))
        message = queue()
        waits = []
        for _ in statuses.RETRIES:
            sending.deliver_due()
            assert current(message).status == "queued"
            waits.append(current(message).due_at - timezone.now())
            make_due()
        sending.deliver_due()
        assert (current(message).status, current(message).due_at) == ("failed", None)
        for wait, planned in zip(waits, statuses.RETRIES, strict=True):
            assert planned * 0.87 - timedelta(seconds=5) <= wait <= planned * 1.13

    @pytest.mark.parametrize("code", [21211, 21614])
    def test_a_bad_number_is_never_tried_again(self, code: int, queue: Any, twilio: FakeTwilio):
        twilio.plan(Step.refused(code))
        message = queue()
        sending.deliver_due()
        make_due()
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("failed", str(code))
        assert len(twilio.store.requests) == 1

    def test_an_opt_out_at_the_provider_is_ours(self, queue: Any, twilio: FakeTwilio, thread: Conversation):
        twilio.plan(Step.refused(21610))
        message, other = queue(), queue("another", not_before_at=timezone.now() + timedelta(hours=1))
        sending.deliver_due()
        assert (current(message).status, current(other).status) == ("failed", "cancelled")

    def test_wrong_credentials_mark_the_channel(self, alice: Any, whatsapp: Channel, queue: Any, twilio: FakeTwilio):
        with organization_scope(alice.organization):
            channels.update(channel=whatsapp, actor=alice.actor, changes={"credentials": {"auth_token": "old"}})
        message = queue()
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("failed", "20003")
        assert current(message).channel.last_error.startswith("20003: ")

    def test_secrets_that_cannot_be_read_keep_the_message(
        self, queue: Any, twilio: FakeTwilio, settings: Any, charlie: Any
    ):
        message = queue()
        keys = settings.ENCRYPTION_KEYS
        settings.ENCRYPTION_KEYS = ["b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktMDAwMDA="]
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("queued", "credentials")
        assert "ENCRYPTION_KEYS" in current(message).channel.last_error
        settings.ENCRYPTION_KEYS = keys
        make_due()
        sending.deliver_due()
        assert current(message).status == "sent"
        assert current(message).channel.last_error == ""

    def test_a_channel_switched_off_meanwhile(self, whatsapp: Channel, queue: Any, twilio: FakeTwilio):
        message = queue()
        with organization_scope(whatsapp.organization):
            Channel.objects.filter(pk=whatsapp.pk).update(is_enabled=False)
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("failed", "channel_disabled")
        assert twilio.store.requests == []

    def test_a_fault_before_the_request_is_tried_again(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        message = queue()
        monkeypatch.setattr(outgoing, "build", lambda _: 1 / 0)
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("queued", "not_prepared")

    def test_jitter_keeps_retries_apart(self, queue: Any, twilio: FakeTwilio):
        twilio.plan(Step.refused(30001, times=0))
        rows = [queue(f"text {number}") for number in range(8)]
        sending.deliver_due()
        assert len({round(current(row).due_at.timestamp(), 2) for row in rows}) > 4


class TestNobodyKnows:
    @pytest.mark.parametrize(
        "step", [Step.dropped(), Step.lost(), Step.broken(), Step.broken(503, 20503), Step(kind="garbage")]
    )
    def test_no_clear_answer_is_unconfirmed_and_never_sent_again(self, step: Step, queue: Any, twilio: FakeTwilio):
        twilio.plan(step)
        message = queue()
        sending.deliver_due()
        assert current(message).status == "unconfirmed"
        assert timedelta(seconds=20) < current(message).due_at - timezone.now() < timedelta(seconds=31)
        make_due()
        sending.deliver_due()
        assert current(message).status == "unconfirmed"
        assert len(twilio.store.requests) == 1

    def test_a_slow_provider_is_unconfirmed(self, queue: Any, twilio: FakeTwilio, settings: Any):
        settings.PROVIDER_TIMEOUT_SECONDS = 0.2
        twilio.plan(Step.slow(1.0))
        message = queue()
        sending.deliver_due()
        assert current(message).status == "unconfirmed"

    def test_a_fault_while_sending_is_unconfirmed(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        monkeypatch.setattr("messaging.channels.twilio.adapter.TwilioProvider.send", lambda *_: 1 / 0)
        message = queue()
        sending.deliver_due()
        assert current(message).status == "unconfirmed"


class TestAWorkerThatDied:
    """The row as it stands at each line where a worker can be killed."""

    def test_after_the_claim(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        assert [turn.message.pk for turn in rates.claim_paced()] == [message.pk]
        assert current(message).status == "sending"
        assert rates.claim_paced() == [], "nobody else holds it as well"
        make_due()
        sending.deliver_due()
        assert current(message).status == "sent"
        assert len(twilio.store.all()) == 1

    def test_after_the_mark_and_before_the_request(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        (turn,) = rates.claim_paced()
        assert begin(turn.message)
        make_due()
        sending.deliver_due()
        assert (current(message).status, twilio.store.requests) == ("unconfirmed", [])

    def test_after_the_request(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        message = queue()

        class Killed(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Killed

        monkeypatch.setattr(attempt, "settle_sent", die)
        with pytest.raises(Killed):
            sending.deliver_due()
        monkeypatch.undo()
        make_due()
        sending.deliver_due()
        assert current(message).status == "unconfirmed"
        assert len(twilio.store.requests) == 1

    def test_one_that_slept_past_its_lease_does_not_begin(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        (late,) = rates.claim_paced()
        make_due()
        assert not begin(late.message), "the lease is over"
        (fresh,) = rates.claim_paced()
        assert not begin(late.message), "and it is another's now"
        deliver(fresh.message)
        deliver(late.message)
        assert current(message).status == "sent"
        assert len(twilio.store.requests) == 1

    def test_one_that_slept_past_its_lease_cannot_fail_it(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        (late,) = rates.claim_paced()
        make_due()
        (fresh,) = rates.claim_paced()
        with organization_scope(message.organization):
            settle_failure(late.message, statuses.Failure("21211", "No.", Retry.NEVER))
        assert current(message).status == "sending"
        deliver(fresh.message)
        assert current(message).status == "sent"

    def test_an_answer_after_the_lease_is_still_news(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        message = queue()
        real = settle_sent

        def the_lease_ends_first(claimed: Message, result: Any) -> None:
            make_due()
            (other,) = rates.claim_paced()
            deliver(other.message)
            assert current(message).status == "unconfirmed"
            real(claimed, result)

        monkeypatch.setattr(attempt, "settle_sent", the_lease_ends_first)
        sending.deliver_due()
        assert (current(message).status, len(twilio.store.requests)) == ("sent", 1)

    def test_a_stop_gives_back_what_was_not_begun(self, queue: Any, twilio: FakeTwilio, monkeypatch: Any):
        rows = [queue(f"text {number}") for number in range(5)]
        asked = 0

        def stopping() -> bool:
            nonlocal asked
            asked += 1
            return asked > 3

        for part in (sending, attempt):
            monkeypatch.setattr(part, "stopping", stopping)
        sending.deliver_due()
        after = [current(row) for row in rows]
        back = [row for row in after if row.status == "queued"]
        assert len(back) + len(twilio.store.all()) == 5
        assert len(back) >= 3
        assert all(row.claim_token is None and row.attempts == 0 and row.due_at <= timezone.now() for row in back)
