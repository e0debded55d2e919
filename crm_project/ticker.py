"""The worker looks by itself: the database is the queue, and a frozen broker or a beat that is gone costs a tick.

One thread goes through the schedule that the beat has too, and runs what nobody rang for in its time. While rings come
it finds that everything ran a moment ago, and asks the database nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Final

from celery import current_app
from django.conf import settings

from core.alone import gate
from core.jobs import Drain, close_connections, stopping

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS: Final = 0.5
# Later than the beat by this part of the interval: where the beat rings, nothing is looked at twice.
LATE: Final = 1.25
# What is rarer than this may wait for one another; the quick ones each have a thread of their own.
RARE_SECONDS: Final = 4.0
MAX_RARE: Final = 2
STOP_SECONDS: Final = 20.0


def intervals() -> dict[str, float]:
    """Every drain of the schedule with its interval in seconds."""
    results: dict[str, float] = {}
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if isinstance(current_app.tasks.get(entry["task"]), Drain):
            results[entry["task"]] = entry["schedule"].total_seconds()
    return results


class Ticker:
    """Runs each drain when its interval has passed since it ran last, whoever had it run."""

    def __init__(self, every: Mapping[str, float]) -> None:
        self._every = dict(every)
        self._over = threading.Event()
        self._running: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Begin nothing more, and wait until what is in hand is settled; False when the time was over first."""
        self._over.set()
        until = time.monotonic() + seconds
        for thread in list(self._running.values()):
            thread.join(max(until - time.monotonic(), 0.0))
        return gate.wait_until_empty(max(until - time.monotonic(), 0.0))

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS) and not stopping():
            try:
                self.look()
            except Exception:
                logger.exception("ticker_failed")

    def look(self) -> list[str]:
        """Start what is late; the names of what was started."""
        self._running = {name: thread for name, thread in self._running.items() if thread.is_alive()}
        rare = sum(self._every[name] > RARE_SECONDS for name in self._running)
        started = []
        for name, seconds in sorted(self._every.items(), key=lambda one: one[1]):
            is_rare = seconds > RARE_SECONDS
            if name in self._running or (is_rare and rare >= MAX_RARE) or not _is_late(name, seconds):
                continue
            rare += is_rare
            self._begin(name)
            started.append(name)
        return started

    def _begin(self, name: str) -> None:
        thread = threading.Thread(target=_drain, args=(name,), name=f"tick-{name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads: then here, one after the other
            logger.warning("no_thread_to_tick", extra={"reason": str(error)})
            _drain(name)
        else:
            self._running[name] = thread


def _is_late(name: str, seconds: float) -> bool:
    drain = current_app.tasks[name]
    return isinstance(drain, Drain) and not drain.is_working and drain.idle_seconds() > LATE * seconds


def _drain(name: str) -> None:
    try:
        current_app.tasks[name]()
    except Exception as error:  # noqa: BLE001 - the next look tries again
        logger.warning("tick_failed", extra={"task": name, "reason": f"{type(error).__name__}: {error}"})
    finally:
        close_connections()
