"""Wake-ups: Celery starts the tasks; what they have to do stands in the database.

A `WakeUp` in a transaction is published after its commit. It never raises and never waits for the broker: a wake-up
that is lost costs a tick of the beat.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from celery import Task, current_app, signals
from django.conf import settings
from django.db import connections, transaction
from kombu.pools import producers

from core import wakeups
from core.logging import bound, current_request_id

logger = logging.getLogger(__name__)

# A ring is good for so long; by then the beat has rung several times.
WAKE_UP_LIFETIME_SECONDS = 60
# Rings of one kind within this time become one: a thousand commits a second need not ring a thousand times.
WAKE_UP_INTERVAL_SECONDS = 0.05
# After a failure the broker is left alone for this time.
PAUSE_SECONDS = 5.0
WARN_EVERY_SECONDS = 60.0
CONTEXT_HEADER = "parley"

# --- Ringing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WakeUp:
    """The wake-up of one task; calling it publishes it."""

    task: str
    arguments: tuple[tuple[str, object], ...] = ()

    def __call__(self) -> None:
        publisher.publish_soon(self)


def wake_up(task: str, **arguments: object) -> None:
    """Run the task soon after the transaction commits, or at once outside of one; equal wake-ups become one."""
    pressed = WakeUp(task, tuple(sorted(arguments.items())))
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        # One that a rolled-back savepoint would take along does not stand for this one.
        open_savepoints = set(connection.savepoint_ids)
        if any(entry[1] == pressed and set(entry[0]) <= open_savepoints for entry in connection.run_on_commit):
            return
    transaction.on_commit(pressed, robust=True)


class Publisher:
    """Publishes wake-ups in a thread of its own, so that no request waits for a broker that is slow or away."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting_wake_ups: dict[WakeUp, str] = {}
        self._is_busy = False
        self._thread: threading.Thread | None = None
        self._process = 0
        self._quiet_until = 0.0
        self._warned_at = float("-inf")

    def publish_soon(self, pressed: WakeUp) -> None:
        with self._changed:
            self._waiting_wake_ups[pressed] = current_request_id()
            self._ensure_thread()
            self._changed.notify_all()

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive() and self._process == os.getpid():
            return
        self._process, self._is_busy = os.getpid(), False
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            # The system gives no more threads. The row is there, and the worker looks by itself.
            self._thread, self._waiting_wake_ups = None, {}
            logger.warning("ring_failed", extra={"reason": str(error)})

    def flush(self, seconds: float) -> bool:
        """Wait until every wake-up so far was published or given up; False when the time was over first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting_wake_ups and not self._is_busy, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting_wake_ups))
                pressed, self._waiting_wake_ups, self._is_busy = self._waiting_wake_ups, {}, True
            for one, request_id in pressed.items():
                self._publish(one, request_id)
            time.sleep(WAKE_UP_INTERVAL_SECONDS)

    def _publish(self, pressed: WakeUp, request_id: str) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            key = wakeups.key_of(pressed.task, dict(pressed.arguments))
            if wakeups.may_publish(key):
                context = {"request_id": request_id, wakeups.WAKE: key}
                publish(pressed.task, dict(pressed.arguments), headers={CONTEXT_HEADER: context})
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises: the row is there, the beat will find it
            now = time.monotonic()
            self._quiet_until = now + PAUSE_SECONDS
            if now - self._warned_at > WARN_EVERY_SECONDS:
                self._warned_at = now
                logger.warning(
                    "ring_failed", extra={"task": pressed.task, "reason": f"{type(error).__name__}: {error}"}
                )


publisher = Publisher()
atexit.register(lambda: publisher.flush(1.0))


def impatient_options() -> dict[str, object]:
    """The broker's options for somebody who does not wait: one try, and moments for it."""
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    if settings.REDIS_URL:
        options |= {"socket_timeout": 1.0, "socket_connect_timeout": 0.5, "max_retries": 0}
    return options


def publish(task: str, arguments: dict[str, object], *, headers: dict[str, object] | None = None) -> None:
    """Hand a message to the broker now, in one try of a second or so. Raises what its client raises."""
    connection = current_app.connection_for_write(transport_options=impatient_options())
    with producers[connection].acquire(block=True, timeout=1.0) as producer:
        current_app.send_task(
            task,
            kwargs=arguments,
            headers=headers,
            expires=WAKE_UP_LIFETIME_SECONDS,
            producer=producer,
            retry=False,
            ignore_result=True,
        )


# --- What travels with a task -----------------------------------------------------------------------------------------


class JobTask(Task):
    """Every task: its log lines carry the request's id that led to it."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: object) -> object:
        if key := self.context().get(wakeups.WAKE):
            wakeups.answered(key)
        with bound(task=self.name, request_id=self.context().get("request_id", "")):
            return super().__call__(*args, **kwargs)

    def context(self) -> dict[str, Any]:
        """The headers of this call: a worker has them in the request itself, a call in place among its headers."""
        return self.request.get(CONTEXT_HEADER) or (self.request.headers or {}).get(CONTEXT_HEADER) or {}


class Drain(JobTask):
    """A task without arguments that does everything that is due.

    Two at once in a process would only be in each other's way: a ring during the work makes it look once more.
    """

    abstract = True

    def __init__(self) -> None:
        self._working = threading.Lock()
        self._again = threading.Event()
        self._began_at = time.monotonic()

    @property
    def is_working(self) -> bool:
        return self._working.locked()

    def idle_seconds(self) -> float:
        """How long ago it was run last in this process, or since the process began."""
        return time.monotonic() - self._began_at

    def __call__(self, *args: object, **kwargs: object) -> object:
        self._again.set()
        done = None
        while self._again.is_set() and self._working.acquire(blocking=False):
            try:
                self._again.clear()
                self._began_at = time.monotonic()
                done = super().__call__(*args, **kwargs)
            finally:
                self._working.release()
        return done


# --- The end of a process ---------------------------------------------------------------------------------------------

_stopping = threading.Event()


@signals.worker_shutting_down.connect(weak=False)
def stop(**_: object) -> None:
    """Make `stopping()` return True from now on."""
    _stopping.set()


def stopping() -> bool:
    """Whether this process was asked to end: finish the row in hand, give back the rest."""
    return _stopping.is_set()


def close_connections() -> None:
    """Close or return the thread's database connections; the last call of a thread of our own."""
    connections.close_all()
