"""Rows that kill their worker or take longer than their lease, workers that freeze, brokers and beats that are gone."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core import jobs, queues
from core.claims import MAX_LOST_CLAIMS
from core.tenancy import every_organization, organization_scope
from messaging.delivery import queue as outbound
from messaging.inbound_deliveries.store import store
from messaging.models import Arrival, Channel, Message
from tests.messaging.conftest import make_channel, open_thread
from tests.processes.conftest import Worker, wait_until
from tests.processes.steps import killers

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def channel(alice: Any) -> Channel:
    return make_channel(alice.organization, rate_per_second=1000)


def arrive(channel: Channel, *texts: str) -> None:
    for number, text in enumerate(texts):
        payload = {"message_id": f"m-{number}-{text[:9]}", "from": f"+4477009{number:05d}", "body": text}
        store(
            key=f"test:{number}:{text}", provider="generic", kind="whatsapp", arrival_type=Arrival.Type.MESSAGE,
            body=json.dumps(payload | {"sent_at": timezone.now().isoformat()}).encode(), channel=channel,
        )  # fmt: skip


def came_in() -> int:
    with every_organization("the test looks"):
        return int(Message.objects.filter(direction="inbound").count())


@pytest.fixture
def second(worker: Worker, tmp_path: Path) -> Iterator[Worker]:
    other = Worker(worker.environment, tmp_path / "second.log")
    yield other
    if other.process is not None:
        os.killpg(other.process.pid, signal.SIGCONT)
    other.kill()


def test_a_row_that_kills_its_worker_is_set_aside_and_its_neighbours_come_in(worker: Worker, channel: Channel):
    worker.environment["EXTRA_APPS"] = "tests.processes.steps.killers.KillersConfig"
    arrive(channel, killers.DEADLY.decode(), *(f"text {number}" for number in range(30)))
    deaths = 0
    bad = Arrival.objects.filter(key__startswith="test:0:")
    while bad.get().state == "pending":
        worker.start()
        wait_until(lambda: worker.process.poll() is not None or bad.get().state != "pending", within=60, every=0.02)
        if worker.process.poll() is not None:
            deaths += 1
            assert deaths <= MAX_LOST_CLAIMS
            # Nobody but the killer is held by the dead worker, beside what its other threads were just at.
            held = Arrival.objects.filter(state="pending", claim_token__isnull=False)
            assert held.count() <= 1
            held.update(due_at=timezone.now())
        worker.kill() if worker.process.poll() is None else None
    worker.restart()
    wait_until(lambda: came_in() == 30, within=60)
    row = bad.get()
    assert deaths == MAX_LOST_CLAIMS
    assert (row.state, row.last_error, row.claim_token) == ("set_aside", queues.KILLED, None)


def test_work_longer_than_its_lease_is_done_once_by_two_workers(
    worker: Worker, second: Worker, channel: Channel, tmp_path: Path
):
    if connection.vendor == "sqlite":
        pytest.skip("the work of an arrival holds SQLite's one writer")
    log = tmp_path / "begun"
    worker.environment |= {
        "EXTRA_APPS": "tests.processes.steps.killers.KillersConfig",
        "TEST_SLOW_SECONDS": "8",
        "TEST_LEASE_SECONDS": "2",
        "TEST_LOG": str(log),
    }
    arrive(channel, killers.SLOW.decode())
    worker.start()
    second.start()
    wait_until(lambda: log.exists(), within=60)
    arrive(channel, "first", "second", "third")
    wait_until(lambda: came_in() >= 3, within=7)
    wait_until(lambda: came_in() == 4, within=60)
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1


def test_a_frozen_workers_row_is_taken_by_the_other_and_settled_once(
    worker: Worker, second: Worker, channel: Channel, tmp_path: Path
):
    if connection.vendor == "sqlite":
        pytest.skip("the frozen worker holds SQLite's one writer")
    log = tmp_path / "begun"
    worker.environment |= {
        "EXTRA_APPS": "tests.processes.steps.killers.KillersConfig",
        "TEST_SLOW_SECONDS": "2",
        "TEST_LEASE_SECONDS": "3",
        "TEST_LOG": str(log),
    }
    worker.start()
    arrive(channel, killers.SLOW.decode())
    wait_until(lambda: log.exists(), within=60)
    os.killpg(worker.process.pid, signal.SIGSTOP)
    try:
        second.start()
        arrive(channel, "neighbour")
        wait_until(lambda: came_in() == 2, within=60)
    finally:
        os.killpg(worker.process.pid, signal.SIGCONT)
    time.sleep(3)
    assert came_in() == 2, "who lost the claim leaves nothing behind"
    with every_organization("the test looks"):
        assert set(Arrival.objects.values_list("state", "lost_claims")) == {("done", 0)}


@pytest.fixture
def deaf_and_dumb(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody rings, and the worker's broker is an address where nobody answers."""
    monkeypatch.setattr(jobs, "publish", lambda *_, **__: None)
    worker.environment["TICK_SECONDS"] = "1"
    if worker.environment["REDIS_URL"]:
        worker.environment["REDIS_URL"] = "redis://127.0.0.1:1/0"


@pytest.mark.usefixtures("deaf_and_dumb")
def test_a_worker_without_broker_and_beat_sends_and_takes_in(
    worker: Worker, channel: Channel, alice: Any, make_customer: Any, twilio: Any
):
    thread = open_thread(channel, make_customer())
    arrive(channel, "text")
    with organization_scope(alice.organization):
        outbound.queue_message(conversation=thread, body="now", actor=alice.actor)
        soon = timezone.now() + timedelta(seconds=2)
        outbound.queue_message(conversation=thread, body="soon", actor=alice.actor, not_before_at=soon)
    worker.start()
    wait_until(lambda: len(twilio.store.requests) == 2 and came_in() == 1, within=60)
    assert worker.stop(within=30) == 0


@pytest.mark.usefixtures("deaf_and_dumb")
def test_one_that_looks_by_itself_and_is_asked_to_end_finishes_the_row_in_hand(
    worker: Worker, channel: Channel, tmp_path: Path
):
    log = tmp_path / "begun"
    worker.environment |= {
        "EXTRA_APPS": "tests.processes.steps.killers.KillersConfig",
        "TEST_SLOW_SECONDS": "3",
        "TEST_LOG": str(log),
    }
    arrive(channel, killers.SLOW.decode())
    worker.start()
    wait_until(log.exists, within=60)
    assert worker.stop(within=30) == 0
    row = Arrival.objects.get()
    assert (row.state, row.claim_token, row.lost_claims) == ("done", None, 0)
