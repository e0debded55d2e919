"""Messages, files and mails that kill their worker; and attempts, which are tries at the provider and nothing else."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from activity.models import Event
from core import clock, queues
from core.claims import MAX_LOST_CLAIMS
from core.clock import now as database_now  # before a fixture puts the machine's clock in its place
from core.tenancy import every_organization, organization_scope
from messaging.channels.base import AGAIN, Retry, final
from messaging.delivery import confirmation, outgoing, rates, sending, statuses
from messaging.delivery import queue as outbound
from messaging.delivery import request as attempt
from messaging.models import Channel, Conversation, Message
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import current, make_due


class Killed(BaseException):
    """What ends a worker."""


@pytest.fixture(autouse=True)
def nobody_is_paused() -> None:
    rates._paused.clear()


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts whose preparation ends the worker."""
    texts: list[str] = []
    real = outgoing.build

    def build(message: Message) -> Any:
        if message.body in texts:
            raise Killed
        return real(message)

    monkeypatch.setattr(outgoing, "build", build)
    return texts


def run() -> bool:
    """One worker's life; whether it was killed."""
    try:
        sending.deliver_due()
    except Killed:
        return True
    return False


class TestKillingMessages:
    def test_others_leave_and_it_fails_with_a_reason(
        self, thread: Conversation, queue: Any, twilio: FakeTwilio, deadly: list[str], alice: Any
    ):
        deadly.append("deadly")
        bad = queue("deadly")
        good = [queue(f"text {number}") for number in range(5)]
        killed = 0
        for _ in range(10):
            killed += run()
            make_due()
        after = current(bad)
        assert killed == MAX_LOST_CLAIMS
        assert (after.status, after.error_code, after.due_at, after.claim_token) == ("failed", "set_aside", None, None)
        assert after.error_message.startswith(queues.KILLED)
        assert AGAIN not in after.error_message
        assert {current(one).status for one in good} <= {"sent", "delivered", "read"}
        assert len(twilio.store.requests) == 5
        with organization_scope(thread.organization):
            assert Event.objects.filter(type="message.failed", subject_id=str(bad.pk)).count() == 1

        deadly.clear()
        with organization_scope(thread.organization):
            outbound.retry(message=current(bad), actor=alice.actor)
        sending.deliver_due()
        assert current(bad).status == "sent"
        assert current(bad).lost_claims == 0

    def test_a_claim_that_waits_for_a_thread_ends_soon(self, queue: Any, twilio: FakeTwilio, deadly: list[str]):
        deadly.append("deadly")
        queue("deadly")
        others = [queue(f"text {number}") for number in range(3)]
        assert run()
        assert all(current(one).due_at <= timezone.now() + rates.WAITING for one in others)
        assert all(current(one).begun_at is None for one in others)

    def test_one_that_kills_after_its_request_is_unconfirmed_and_not_sent_again(
        self, queue: Any, twilio: FakeTwilio, monkeypatch: Any
    ):
        message = queue("Hello")

        def die(*_: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(attempt, "settle_sent", die)
            assert run()
        make_due()
        assert not run()
        assert (current(message).status, len(twilio.store.requests)) == ("unconfirmed", 1)

    def test_asking_about_one_that_kills_ends_with_a_person(self, queue: Any, twilio: FakeTwilio, deadly: list[str]):
        twilio.plan(Step.dropped(statuses=()))
        message = queue("deadly")
        sending.deliver_due()
        deadly.append("deadly")
        killed = 0
        for _ in range(10):
            make_due()
            try:
                confirmation.confirm_due()
            except Killed:
                killed += 1
        after = current(message)
        assert killed == MAX_LOST_CLAIMS
        assert (after.status, after.due_at) == ("unconfirmed", None)
        assert "Mark as sent" in after.error_message


class TestAttempts:
    @pytest.mark.parametrize("kills", [1, 2])
    def test_a_worker_that_died_is_no_attempt(self, kills: int, queue: Any, twilio: FakeTwilio, deadly: list[str]):
        deadly.append("Hello")
        message = queue("Hello")
        for _ in range(kills):
            assert run()
            make_due()
        deadly.clear()
        twilio.plan(Step.rate_limited())
        sending.deliver_due()
        after = current(message)
        assert (after.status, after.attempts) == ("queued", 1)
        assert after.due_at < timezone.now() + timedelta(minutes=1)

    def test_asking_the_provider_is_no_attempt(self, queue: Any, twilio: FakeTwilio):
        twilio.plan(Step.dropped(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        for _ in range(3):
            make_due()
            confirmation.confirm_due()
        assert current(message).attempts == 1

    @pytest.mark.parametrize("code", ["20429", "63018", "30003", "99999"])
    def test_the_last_failure_promises_nothing(self, code: str, queue: Any, twilio: FakeTwilio):
        message = queue("Hello")
        failure = statuses.failure_from_code("twilio", code)
        assert AGAIN in failure.message, "the case is one that is tried again"
        last_try = len(statuses.RETRIES) + 1
        for attempts in (1, last_try):
            with every_organization("the test sets what time does"):
                Message.objects.filter(pk=message.pk).update(attempts=attempts, status="sending")
                held = current(message)
            with organization_scope(message.organization):
                statuses.fail(held, failure)
            after = current(message)
            assert (after.status == "failed") is (attempts == last_try)
            assert (AGAIN in after.error_message) is (attempts < last_try)

    def test_only_the_promise_is_taken_out(self):
        assert final("No. Choose another.") == "No. Choose another."
        assert AGAIN not in final(f"Busy. {AGAIN} Or choose another template.")
        assert final(f"Busy. {AGAIN} Or choose another template.").endswith("Or choose another template.")

    def test_a_provider_cannot_put_a_message_off_for_ever(self, queue: Any):
        message = queue("Hello")
        with organization_scope(message.organization):
            failure = statuses.Failure("429", "Slower.", Retry.BACKOFF, timedelta(days=4000))
            statuses.fail(current(message), failure)
        assert current(message).due_at <= timezone.now() + timedelta(days=1)


class TestPausesFarAway:
    def test_a_pause_has_a_longest(self, queue: Any, whatsapp: Channel):
        message = queue("Hello")
        with organization_scope(message.organization):
            rates.slow_down(message, timedelta(days=300))
        with every_organization("the test looks"):
            until = Channel.objects.get(pk=whatsapp.pk).paced_until
        assert until <= timezone.now() + rates.MAX_PAUSE

    @pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=365)])
    def test_a_pace_of_a_clock_that_was_ahead_holds_nobody_back(
        self, ahead: timedelta, queue: Any, twilio: FakeTwilio, whatsapp: Channel, caplog: Any
    ):
        message = queue("Hello")
        with every_organization("the test sets what a clock did"):
            Channel.objects.filter(pk=whatsapp.pk).update(paced_until=timezone.now() + ahead)
        sending.deliver_due()
        assert current(message).status == "sent"
        assert "pace_absurd" in [record.message for record in caplog.records]
        with every_organization("the test looks"):
            assert Channel.objects.get(pk=whatsapp.pk).paced_until < timezone.now() + timedelta(minutes=1)


def test_a_message_leaves_where_no_thread_can_start(queue: Any, twilio: FakeTwilio, settings: Any, monkeypatch: Any):
    real = threading.Thread.start

    def no_sender(thread: threading.Thread) -> None:
        if thread.name.startswith("deliver-"):
            raise RuntimeError("can't start new thread")
        real(thread)

    settings.OUTBOUND_CONCURRENCY = 4
    rows = [queue(f"text {number}") for number in range(3)]
    monkeypatch.setattr(threading.Thread, "start", no_sender)
    sending.deliver_due()
    assert [current(row).status for row in rows] == ["sent"] * 3


@pytest.mark.parametrize("hours", [1, 30])
def test_a_clock_that_is_ahead_sends_nothing_early_and_leaves_no_silence(
    hours: int, queue: Any, twilio: FakeTwilio, whatsapp: Channel, monkeypatch: Any
):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has this machine's clock")
    monkeypatch.setattr(clock, "now", database_now)
    later = queue("later", not_before_at=timezone.now() + timedelta(minutes=30))
    at_once = queue("at once")
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        sending.deliver_due()
        written_ahead = queue("written by a web server whose clock is ahead")
    assert (current(later).status, current(at_once).status) == ("queued", "sent")
    sending.deliver_due()
    assert current(written_ahead).status == "sent"
    with every_organization("the test looks"):
        assert Channel.objects.get(pk=whatsapp.pk).paced_until < timezone.now() + timedelta(minutes=1)
