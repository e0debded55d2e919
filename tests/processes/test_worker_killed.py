"""Workers that are killed at any moment and started again: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import every_organization, organization_scope
from messaging.delivery import queue as outbound
from messaging.inbound_deliveries.store import store
from messaging.models import Arrival, Channel, Conversation, Message
from tests.fakes.twilio import FakeTwilio
from tests.messaging.conftest import make_channel, open_thread
from tests.processes.conftest import CONCURRENCY, Worker, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

COUNT = 200
KILLS = 4
SEED = 20_261_121


@pytest.fixture
def channel(alice: Any) -> Channel:
    return make_channel(alice.organization, rate_per_second=1000)


@pytest.fixture
def threads(channel: Channel, make_customer: Any) -> list[Conversation]:
    return [open_thread(channel, make_customer()) for _ in range(10)]


def queue_many(threads: list[Conversation], alice: Any, count: int = COUNT) -> list[Message]:
    with organization_scope(alice.organization):
        return [
            outbound.queue_message(conversation=threads[n % len(threads)], body=f"text {n}", actor=alice.actor)
            for n in range(count)
        ]


def statuses() -> Counter[str]:
    with every_organization("the test looks at all"):
        return Counter(Message.objects.filter(direction="outbound").values_list("status", flat=True))


def test_every_message_leaves_once(worker: Worker, threads: list[Conversation], alice: Any, twilio: FakeTwilio):
    queue_many(threads, alice)
    chance = random.Random(SEED)
    for _ in range(KILLS):
        worker.restart()
        goal = min(len(twilio.store.requests) + chance.randint(5, 30), COUNT - 5)
        wait_until(lambda goal=goal: len(twilio.store.requests) >= goal, within=60, every=0.003)
        time.sleep(chance.uniform(0, 0.04))
        worker.kill()
    worker.restart()
    wait_until(lambda: not {"queued", "sending"} & set(statuses()), within=120, every=0.1)

    # Half a minute of waiting is left out: what is unconfirmed is asked about at once.
    with every_organization("a test's clock is everybody's"):
        open_ones = Message.objects.filter(status="unconfirmed")
        in_doubt = open_ones.count()
        open_ones.update(due_at=timezone.now())
        wait_until(lambda: not open_ones.filter(reconcile_attempts=0).exists(), within=60, every=0.1)
        rows = list(Message.objects.filter(direction="outbound"))

    requests = Counter(form["Body"] for form in twilio.store.requests)
    created = Counter(one.body for one in twilio.store.all())
    left_open = [row for row in rows if row.status == "unconfirmed"]
    print(f"{KILLS} kills: {in_doubt} in doubt, {in_doubt - len(left_open)} found, {len(left_open)} never left")
    assert len(rows) == COUNT
    assert {row.status for row in rows} <= {"sent", "unconfirmed"}
    assert max(requests.values()) == 1, "nothing is asked for twice"
    assert max(created.values()) == 1, "nothing is sent twice"
    assert all(created[row.body] == 1 for row in rows if row.status == "sent"), "what is called sent was sent"
    assert all(created[row.body] == 0 for row in left_open), "what the provider has was found"
    assert in_doubt <= KILLS * CONCURRENCY
    sids = {one.body: one.sid for one in twilio.store.all()}
    assert all(row.provider_message_id == sids[row.body] for row in rows if row.status == "sent")


def test_every_arrival_becomes_one_message(worker: Worker, channel: Channel, alice: Any):
    for number in range(COUNT):
        payload = {"message_id": f"m-{number}", "from": f"+4477009{number % 20:05d}", "body": f"text {number}"}
        store(
            key=f"test:{number}", provider="generic", kind="whatsapp", arrival_type=Arrival.Type.MESSAGE,
            body=json.dumps(payload | {"sent_at": timezone.now().isoformat()}).encode(), channel=channel,
        )  # fmt: skip
    waiting = Arrival.objects.exclude(state=Arrival.State.DONE)
    chance = random.Random(SEED)
    interrupted = 0
    for _ in range(KILLS):
        worker.restart()
        goal = max(waiting.count() - chance.randint(3, 30), 5)
        wait_until(lambda goal=goal: waiting.count() <= goal, within=60, every=0.003)
        time.sleep(chance.uniform(0, 0.02))
        worker.kill()
        # The dead worker's leases would end by themselves in half a minute.
        interrupted += waiting.filter(claim_token__isnull=False).update(due_at=timezone.now())
    worker.restart()
    wait_until(lambda: not waiting.exists(), within=120, every=0.1)
    with organization_scope(alice.organization):
        received = Message.objects.filter(direction="inbound")
        assert sorted(received.values_list("body", flat=True)) == sorted(f"text {n}" for n in range(COUNT))
        assert received.values("customer").distinct().count() == 20
        assert sum(Conversation.objects.values_list("unread_count", flat=True)) == COUNT
    print(f"{KILLS} kills interrupted {interrupted} claims")
    assert interrupted > 0, "the kills hit nobody at work"


def test_a_worker_that_is_asked_to_end_gives_back_its_work(
    worker: Worker, threads: list[Conversation], alice: Any, twilio: FakeTwilio
):
    twilio.delay = 0.4
    queue_many(threads, alice, 150)
    worker.start()
    wait_until(lambda: len(twilio.store.requests) >= 10, within=60)
    begun = time.monotonic()
    assert worker.stop(within=30) == 0
    assert time.monotonic() - begun < 15
    after = statuses()
    assert set(after) == {"queued", "sent"}, "nothing is left claimed or in doubt"
    assert after["sent"] == len(twilio.store.all())
    with every_organization("the test looks at all"):
        back = Message.objects.filter(status="queued")
        assert not back.filter(claim_token__isnull=False).exists()
        assert not back.filter(due_at__gt=timezone.now()).exists(), "the next worker takes them at once"
        assert not back.filter(attempts__gt=0).exists()
