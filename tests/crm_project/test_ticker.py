"""A worker looks by itself, and only for what nobody else looked for."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from celery import current_app, shared_task
from django.conf import settings

from core.jobs import Drain
from crm_project import ticker
from crm_project.celery import app
from crm_project.ticker import Ticker, intervals

app.loader.import_default_modules()
ran: list[str] = []
go_on = threading.Event()


@shared_task(base=Drain, name="tests.ticker.quick")
def quick() -> int:
    ran.append("quick")
    return 0


@shared_task(base=Drain, name="tests.ticker.slow")
def slow() -> int:
    ran.append("slow")
    go_on.wait(20)
    return 0


@pytest.fixture(autouse=True)
def clean() -> Any:
    ran.clear()
    go_on.clear()
    yield
    go_on.set()


def run_long_ago(name: str) -> None:
    current_app.tasks[name]._began_at = time.monotonic() - 3600


def wait_for(count: int) -> None:
    end = time.monotonic() + 20
    while len(ran) < count:
        assert time.monotonic() < end, ran
        time.sleep(0.01)


def test_every_drain_is_in_the_schedule():
    """What is only rung for would wait for ever where the broker is away."""
    drains = {
        name for name, task in current_app.tasks.items() if isinstance(task, Drain) and not name.startswith("tests.")
    }
    assert drains == set(intervals())
    assert len(intervals()) < len(settings.CELERY_BEAT_SCHEDULE), "the canary goes through the broker only"


def test_what_nobody_rang_for_is_run():
    run_long_ago("tests.ticker.quick")
    one = Ticker({"tests.ticker.quick": 2.0})
    assert one.look() == ["tests.ticker.quick"]
    wait_for(1)
    assert one.look() == [], "it ran a moment ago"
    assert one.stop(10)


def test_what_was_rung_for_is_left_alone():
    run_long_ago("tests.ticker.quick")
    current_app.tasks["tests.ticker.quick"]()
    assert Ticker({"tests.ticker.quick": 2.0}).look() == []


def test_one_that_works_keeps_nobody_else_and_is_not_begun_twice():
    for name in ("tests.ticker.quick", "tests.ticker.slow"):
        run_long_ago(name)
    one = Ticker({"tests.ticker.quick": 2.0, "tests.ticker.slow": 1.0})
    one.look()
    wait_for(2)
    run_long_ago("tests.ticker.slow")
    run_long_ago("tests.ticker.quick")
    assert one.look() in (["tests.ticker.quick"], [])
    assert ran.count("slow") == 1
    go_on.set()
    assert one.stop(10)


def test_rare_ones_wait_for_one_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ticker, "MAX_RARE", 1)
    for name in ("tests.ticker.quick", "tests.ticker.slow"):
        run_long_ago(name)
    one = Ticker({"tests.ticker.slow": 10.0, "tests.ticker.quick": 60.0})
    assert one.look() == ["tests.ticker.slow"]
    go_on.set()
    assert one.stop(10)


def test_without_threads_it_does_the_work_itself(monkeypatch: pytest.MonkeyPatch):
    run_long_ago("tests.ticker.quick")
    one = Ticker({"tests.ticker.quick": 2.0})

    def no_thread(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert one.look() == ["tests.ticker.quick"]
    assert ran == ["quick"]
