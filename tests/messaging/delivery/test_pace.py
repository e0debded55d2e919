"""How fast a channel sends: as its rate limit allows, however many workers there are."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.actor import SYSTEM
from core.tenancy import organization_scope
from customers.people.customers import services as customers
from messaging.delivery import queue as outbound
from messaging.delivery import rates, sending
from messaging.models import Channel, Message
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import THEIR_NUMBER, current, in_threads, make_channel, make_due, open_thread

TO = f"whatsapp:{THEIR_NUMBER}"


@pytest.fixture(autouse=True)
def nobody_is_paused() -> None:
    rates._paused.clear()


class TestPace:
    def test_sms_claims_one_a_second(self, alice: Any, make_customer: Any, queue: Any):
        sms = make_channel(alice.organization, "sms")
        thread = open_thread(sms, make_customer())
        for number in range(5):
            queue(f"text {number}", thread)
        assert len(rates.claim_paced()) == 1
        with organization_scope(alice.organization):
            sms.refresh_from_db()
            assert sms.paced_until - sms.last_turn_at == timedelta(seconds=1)
            Channel.objects.update(paced_until=timezone.now() + timedelta(minutes=10))
        assert rates.claim_paced() == [], "the second has to wait"
        with organization_scope(alice.organization):
            soon = timezone.now() + rates.AHEAD / 2
            Channel.objects.update(paced_until=soon)
        (turn,) = rates.claim_paced()
        assert turn.at >= soon, "claimed a moment early, sent at its time"

    def test_the_sandbox_sends_one_in_three_seconds(self, alice: Any, make_customer: Any, queue: Any):
        sandbox = make_channel(alice.organization, "whatsapp", address="+14155238886", rate_per_second=1 / 3)
        thread = open_thread(sandbox, make_customer())
        queue("one", thread)
        queue("two", thread)
        assert len(rates.claim_paced()) == 1
        with organization_scope(alice.organization):
            sandbox.refresh_from_db()
            assert abs(sandbox.paced_until - sandbox.last_turn_at - timedelta(seconds=3)) < timedelta(milliseconds=1)

    def test_whatsapp_claims_half_a_second_at_80(self, whatsapp: Channel, queue: Any):
        with organization_scope(whatsapp.organization):
            Channel.objects.filter(pk=whatsapp.pk).update(rate_per_second=None)
        for number in range(50):
            queue(f"text {number}")
        taken = rates.claim_paced()
        assert len(taken) == 40
        assert [turn.message.body for turn in taken] == [f"text {number}" for number in range(40)], "oldest first"
        gaps = {round((b.at - a.at).total_seconds(), 5) for a, b in itertools.pairwise(taken)}
        assert gaps == {0.0125}

    def test_it_holds_over_a_run(self, whatsapp: Channel, queue: Any, twilio: FakeTwilio):
        with organization_scope(whatsapp.organization):
            Channel.objects.filter(pk=whatsapp.pk).update(rate_per_second=40)
        for number in range(20):
            queue(f"text {number}")
        begun = time.monotonic()
        sending.deliver_due()
        assert len(twilio.store.all()) == 20
        assert time.monotonic() - begun >= 19 / 40 - 0.05

    def test_too_fast_pauses_the_whole_channel(self, queue: Any, twilio: FakeTwilio, settings: Any):
        twilio.plan(Step.rate_limited("7"))
        rows = [queue(f"text {number}") for number in range(10)]
        sending.deliver_due()
        first, *others = [current(row) for row in rows]
        assert (first.status, first.error_code) == ("queued", "20429")
        assert first.due_at - timezone.now() > timedelta(seconds=25)
        assert len(twilio.store.requests) == 1, "those that were claimed already are given back"
        assert all((row.status, row.attempts, row.claim_token) == ("queued", 0, None) for row in others)
        assert timedelta(seconds=5) < first.channel.paced_until - timezone.now() < timedelta(seconds=8)
        assert rates.claim_paced() == []

    def test_a_slow_channel_does_not_hold_up_a_fast_one(
        self, alice: Any, make_customer: Any, queue: Any, twilio: FakeTwilio
    ):
        for number in range(4):
            sms = make_channel(alice.organization, "sms", address=f"+1500555010{number}")
            thread = open_thread(sms, make_customer())
            for text in range(3):
                queue(f"slow {text}", thread)
        for number in range(20):
            queue(f"fast {number}")
        begun, fast = time.monotonic(), 0
        while fast < 20 and time.monotonic() - begun < 5:
            sending._Drain.run(_bounded(0.5))
            fast = sum(one.body.startswith("fast") for one in twilio.store.all())
        assert fast == 20
        assert time.monotonic() - begun < 2.5

    def test_organizations_take_turns(self, whatsapp: Channel, queue: Any, charlie: Any):
        for number in range(120):
            queue(f"many {number}")
        other = make_channel(charlie.organization, rate_per_second=1000)
        with organization_scope(charlie.organization):
            customer = customers.create(
                organization=charlie.organization, actor=SYSTEM, name="One", phone="+15005550188"
            )
            outbound.queue_message(conversation=open_thread(other, customer), body="one", actor=SYSTEM)
        served = [rates.claim_paced() for _ in range(2)]
        assert {batch[0].message.organization_id for batch in served} == {
            whatsapp.organization_id,
            other.organization_id,
        }
        assert sorted(len(batch) for batch in served) == [1, rates.BATCH]


def _bounded(seconds: float) -> Any:
    """A drain that ends after this time."""
    drain = sending._Drain(1)
    end = time.monotonic() + seconds
    real = drain._take
    drain._take = lambda: real() if time.monotonic() < end else False  # type: ignore[method-assign]
    return drain


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_four_workers_send_each_message_once(self, queue: Any, twilio: FakeTwilio):
        rows = [queue(f"text {number}") for number in range(60)]
        in_threads(lambda _: sending.deliver_due(), 4)
        make_due()
        sending.deliver_due()
        assert {current(row).status for row in rows} == {"sent"}
        assert [twilio.creates(TO, row.body) for row in rows] == [1] * 60

    def test_many_requests_of_one_worker(self, queue: Any, twilio: FakeTwilio, settings: Any):
        settings.OUTBOUND_CONCURRENCY = 6
        rows = [queue(f"text {number}") for number in range(60)]
        twilio.delay = 0.02
        assert sending.deliver_due() >= 60
        assert {current(row).status for row in rows} == {"sent"}
        assert [twilio.creates(TO, row.body) for row in rows] == [1] * 60

    def test_a_cancel_and_a_claim_never_both_win(self, alice: Any, queue: Any, twilio: FakeTwilio):
        for number in range(12):
            message = queue(f"text {number}")

            def race(side: int, message: Message = message) -> bool:
                if side:
                    sending.deliver_due()
                    return True
                with organization_scope(alice.organization):
                    try:
                        outbound.cancel(message=message, actor=alice.actor)
                    except outbound.NotPossible:
                        return False
                    return True

            cancelled, _ = in_threads(race, 2)
            assert twilio.creates(TO, message.body) == (0 if cancelled else 1)
            assert current(message).status == ("cancelled" if cancelled else "sent")
