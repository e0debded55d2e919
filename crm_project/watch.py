"""The machinery watches itself.

The canary, rung by the beat, proves the way from there through the broker and some worker to the database. Besides,
every worker writes itself a message every few seconds, into a queue of its own that it reads over the same connection
as its work: a worker that is alive and deaf (its broker came back and it did not notice) finds out by itself and ends,
and whatever supervises it starts another.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from datetime import timedelta
from typing import Any

from celery import bootsteps
from celery.worker import state
from django.conf import settings
from kombu import Queue

from activity.models import Heartbeat
from core import jobs
from core.alone import gate

logger = logging.getLogger(__name__)

BEAT_LATE_AFTER = timedelta(seconds=50)
CANARY_LATE_AFTER = timedelta(seconds=55)

LISTEN_EVERY_SECONDS = 5.0
NOT_LIVE_AFTER_SECONDS = 40.0
GIVE_BACK_SECONDS = 15.0
EXIT_NOT_LIVE = 70  # EX_SOFTWARE of sysexits.h
LIVENESS_TASK = "parley.ear"
CANARY = "crm_project.tasks.canary"


def show_life(part: str) -> None:
    """Touch the file that the container's health check looks at (scripts/healthcheck.py)."""
    folder = settings.DATA_DIR / "alive"
    folder.mkdir(exist_ok=True)
    (folder / f"{part}.{socket.gethostname()}").touch()


def beat_ticks() -> str:
    """The health check of the beat."""
    return _late(Heartbeat.Name.BEAT, BEAT_LATE_AFTER)


def worker_works() -> str:
    """The health check of the way through broker and worker."""
    return _late(Heartbeat.Name.CANARY, CANARY_LATE_AFTER)


def _late(name: str, limit: timedelta) -> str:
    age = Heartbeat.objects.age(name)
    if age is None:
        return "not heard of yet"
    return f"last heard of {int(age.total_seconds())} s ago" if age > limit else ""


class Liveness:
    """Whether the messages that a worker sends to itself still arrive. Times are seconds of one clock."""

    def __init__(self) -> None:
        self.unanswered_since: float | None = None

    def sent(self, now: float) -> None:
        if self.unanswered_since is None:
            self.unanswered_since = now

    def received(self) -> None:
        self.unanswered_since = None

    def is_stale(self, now: float) -> bool:
        return self.unanswered_since is not None and now - self.unanswered_since > NOT_LIVE_AFTER_SECONDS


class LivenessStep(bootsteps.StartStopStep):
    """A step of Celery's consumer: starts again with every connection, as the reading of the work does."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: object, **options: object) -> None:
        super().__init__(consumer, **options)
        self.liveness = Liveness()
        self.watcher: threading.Thread | None = None

    def start(self, consumer: Any) -> None:
        queue = Queue(f"ear.{consumer.hostname}", durable=False, auto_delete=True)
        consumer.strategies[LIVENESS_TASK] = self._on_liveness
        consumer.task_consumer.add_queue(queue)
        consumer.task_consumer.consume()
        self.liveness.received()
        if self.watcher is None:
            self.watcher = threading.Thread(target=self._watch, args=(consumer, queue.name), name="ear", daemon=True)
            self.watcher.start()

    def _on_liveness(
        self, message: Any, body: object, ack: object, reject: object, callbacks: object, **_: object
    ) -> None:
        """In the place of a task's start: it runs in the reading loop and needs no thread of the pool."""
        message.ack()
        self.liveness.received()
        show_life("worker")

    def _watch(self, consumer: object, queue: str) -> None:
        jobs.wake_up(CANARY)
        while True:
            time.sleep(LISTEN_EVERY_SECONDS)
            if self._publish(consumer, queue):
                self.liveness.sent(time.monotonic())
            else:
                # The broker is away: reconnecting is Celery's part, and nobody is deaf where nobody speaks.
                self.liveness.received()
            if _is_full(consumer):
                self.liveness.received()
            elif self.liveness.is_stale(time.monotonic()):
                _leave()

    def _publish(self, consumer: Any, queue: str) -> bool:
        try:
            with consumer.app.connection_for_write(transport_options=jobs.impatient_options()) as connection:
                producer = connection.Producer(auto_declare=False)
                headers = {"task": LIVENESS_TASK, "id": LIVENESS_TASK, "lang": "py"}
                producer.publish(
                    ((), {}, {}), routing_key=queue, exchange="", headers=headers, retry=False, expiration=30
                )
                if settings.REDIS_URL:
                    # The queue of a worker that never comes back goes by itself.
                    connection.default_channel.client.expire(queue, 600)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises
            logger.warning("broker_away", extra={"reason": f"{type(error).__name__}: {error}"})
            return False
        return True


def _is_full(consumer: Any) -> bool:
    """Whether every thread works, so that the worker takes nothing more for good reason."""
    return bool(len(state.reserved_requests) >= consumer.pool.num_processes)


def _leave() -> None:
    """End the process: what is in hand is finished or given back first, as long as that is quick."""
    logger.critical("worker_deaf")
    jobs.stop()
    until = time.monotonic() + GIVE_BACK_SECONDS
    while (state.active_requests or gate.in_hand) and time.monotonic() < until:
        time.sleep(0.1)
    os._exit(EXIT_NOT_LIVE)
