"""Wake-ups do not pile up, whatever does not come to take them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app, shared_task
from django.conf import settings

from core import broker, jobs, wakeups
from core.jobs import CONTEXT_HEADER

TASK = "tests.wakeups.nobody_takes_it"


@shared_task(name=TASK)
def taken() -> None:
    return None


@pytest.fixture(autouse=True)
def own_queue(settings: Any, tmp_path: Path) -> None:
    """A queue that no worker of anybody's takes from."""
    name = f"test-{tmp_path.name}"[:60]
    settings.CELERY_TASK_DEFAULT_QUEUE = name
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL)
        client.delete(name, *[f"parley:wake:{wakeups.key_of(TASK, {'n': n})}" for n in range(5)])


def waiting() -> int:
    if settings.REDIS_URL:
        return int(redis.Redis.from_url(settings.REDIS_URL).llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"]) / settings.CELERY_TASK_DEFAULT_QUEUE
    return len(broker._names(folder))


def ring(number: int = 0) -> None:
    """What the doorbell does for one ring, at once and into the test's queue."""
    key = wakeups.key_of(TASK, {"n": number})
    if wakeups.may_publish(key):
        with current_app.connection_for_write() as connection:
            current_app.send_task(
                TASK, queue=settings.CELERY_TASK_DEFAULT_QUEUE, connection=connection,
                headers={CONTEXT_HEADER: {wakeups.WAKE: key}}, ignore_result=True, expires=60,
            )  # fmt: skip


def test_equal_wakeups_are_one_message():
    for _ in range(50):
        ring()
    assert waiting() == 1


def test_different_ones_are_each_their_own():
    for number in (0, 1, 2, 1, 0):
        ring(number)
    assert waiting() == 3


def test_after_it_was_taken_the_next_one_is_received():
    ring()
    before = waiting()
    if settings.REDIS_URL:
        redis.Redis.from_url(settings.REDIS_URL).lpop(settings.CELERY_TASK_DEFAULT_QUEUE)
        wakeups.answered(wakeups.key_of(TASK, {"n": 0}))
    else:
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"]) / settings.CELERY_TASK_DEFAULT_QUEUE
        for name in broker._names(folder):
            (folder / name).unlink()
    ring()
    assert (before, waiting()) == (1, 1)


def test_keys_tell_tasks_and_arguments_apart():
    keys = [wakeups.key_of("a"), wakeups.key_of("b"), wakeups.key_of("a", {"x": 1}), wakeups.key_of("a", {"x": 2})]
    assert len(set(keys)) == 4
    assert wakeups.key_of("a", {"x": 1, "y": 2}) == wakeups.key_of("a", {"y": 2, "x": 1})


def test_a_doorbell_whose_thread_died_gets_another(monkeypatch: pytest.MonkeyPatch):
    published: list[str] = []
    monkeypatch.setattr(jobs, "publish", lambda task, arguments, headers=None: published.append(task))
    monkeypatch.setattr(wakeups, "may_publish", lambda key: True)
    bell = jobs.Publisher()
    dead = threading.Thread(target=lambda: None)
    dead.start()
    dead.join()
    bell._thread, bell._process, bell._is_busy = dead, jobs.os.getpid(), True
    bell.publish_soon(jobs.WakeUp("task.of.a.dead.bell"))
    assert bell.flush(5)
    assert published == ["task.of.a.dead.bell"]


def test_a_ring_where_no_thread_can_start_fails_nobody(monkeypatch: pytest.MonkeyPatch):
    def no_thread(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    bell = jobs.Publisher()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        bell.publish_soon(jobs.WakeUp("a.task"))
        assert bell.flush(0.1), "nothing waits for a thread that never comes"
