import threading
import time

import pytest
from celery import current_app, shared_task
from django.db import transaction

from core import jobs, wakeups


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch):
    """Each ring is the first of its kind: that equal ones are one message is tried in test_wakeups."""
    monkeypatch.setattr(wakeups, "may_publish", lambda key: True)


@pytest.fixture
def rung(monkeypatch):
    """What was published, in order."""
    published = []
    monkeypatch.setattr(jobs, "publish", lambda task, arguments, headers=None: published.append((task, arguments)))
    monkeypatch.setattr(jobs, "publisher", jobs.Publisher())
    return published


@pytest.mark.django_db(transaction=True)
def test_a_ring_waits_for_the_commit(rung):
    with transaction.atomic():
        jobs.wake_up("a.task")
        time.sleep(0.05)
        assert rung == []
    assert jobs.publisher.flush(2)
    assert rung == [("a.task", {})]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_does_not_ring(rung):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.wake_up("a.task")
        1 / 0  # noqa: B018
    assert jobs.publisher.flush(2)
    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_equal_rings_of_a_transaction_are_one(rung):
    with transaction.atomic():
        for _ in range(5):
            jobs.wake_up("a.task")
            jobs.wake_up("a.task", number=1)
    assert jobs.publisher.flush(2)
    assert sorted(rung, key=str) == [("a.task", {"number": 1}), ("a.task", {})]


@pytest.mark.django_db(transaction=True)
def test_a_ring_does_not_hide_behind_one_that_is_rolled_back(rung):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            jobs.wake_up("a.task")
            1 / 0  # noqa: B018
        jobs.wake_up("a.task")
    assert jobs.publisher.flush(2)
    assert rung == [("a.task", {})]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_noticed_by_nobody_and_then_left_alone(monkeypatch, caplog):
    tries = []

    def fail(*args, **kwargs):
        tries.append(args)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(jobs, "publish", fail)
    monkeypatch.setattr(jobs, "publisher", jobs.Publisher())
    for _ in range(3):
        with transaction.atomic():
            jobs.wake_up("a.task")
        assert jobs.publisher.flush(2)
    assert len(tries) == 1
    assert [record.message for record in caplog.records] == ["ring_failed"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_hangs_holds_nobody_up(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(jobs, "publish", lambda *args, **kwargs: release.wait(5))
    monkeypatch.setattr(jobs, "publisher", jobs.Publisher())
    begun = time.perf_counter()
    for _ in range(10):
        with transaction.atomic():
            jobs.wake_up("a.task")
    assert time.perf_counter() - begun < 1
    release.set()


def test_a_burst_of_rings_becomes_few(rung):
    for _ in range(500):
        jobs.publisher.publish_soon(jobs.WakeUp("a.task"))
    assert jobs.publisher.flush(5)
    assert 1 <= len(rung) < 20


def test_a_drain_that_is_rung_while_it_works_looks_once_more():
    inside, release, runs = threading.Event(), threading.Event(), []

    @shared_task(base=jobs.Drain, name="tests.drain")
    def drain():
        runs.append(threading.current_thread().name)
        if len(runs) == 1:
            inside.set()
            release.wait(5)

    task = current_app.tasks["tests.drain"]
    first = threading.Thread(target=task, name="first")
    first.start()
    assert inside.wait(5)
    for _ in range(3):
        task()  # returns at once: the first will look again
    assert runs == ["first"]
    release.set()
    first.join(5)
    assert runs == ["first", "first"]


def test_stopping_says_so_after_the_signal(monkeypatch):
    monkeypatch.setattr(jobs, "_stopping", threading.Event())
    assert not jobs.stopping()
    jobs.stop()
    assert jobs.stopping()
