"""Real worker processes, started by the command that `make run` starts them by, on the database of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from core import jobs
from scripts.parts import ROOT, command
from tests.fakes.twilio import FakeTwilio, Step

LEASE_SECONDS = 3
CONCURRENCY = 8
TICK_SECONDS = 0.3
TICKS = (
    "activity.tasks.work", "messaging.tasks.process_inbound", "messaging.tasks.deliver_due",
    "messaging.tasks.confirm_unconfirmed", "workflows.tasks.go_on",
)  # fmt: skip


def database_url() -> str:
    """Where the test's own database is."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    login = f"{given['USER']}:{given['PASSWORD']}" if given["PASSWORD"] else given["USER"]
    return f"postgres://{login}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}"


class Worker:
    """One worker at a time: started, killed, started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command("worker", self.environment), cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """At once, whatever it is doing, with all that it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self, within: float) -> int:
        """Ask it to end; its exit code. Raises TimeoutExpired."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(within)
        self.process = None
        return code

    def restart(self) -> None:
        self.kill()
        self.start()


class Beat:
    """What the beat does, quicker: rings for everything, again and again."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            for task in TICKS:
                jobs.publish(task, {})

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    """The stand-in, in the test's own process: what it counts does not die with a worker."""
    with FakeTwilio(delay=0.03, default=Step(statuses=())) as fake:
        yield fake


@pytest.fixture
def worker(transactional_db: Any, twilio: FakeTwilio, tmp_path: Path) -> Iterator[Worker]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "EXTRA_APPS": "",
        "LOG_LEVEL": "WARNING",
        "OUTBOUND_LEASE_SECONDS": str(LEASE_SECONDS),
        "OUTBOUND_CONCURRENCY": str(CONCURRENCY),
        "PROVIDER_TIMEOUT_SECONDS": "1",
        "TWILIO_API_BASE_URL": twilio.url,
    }
    worker = Worker(environment, tmp_path / "worker.log")
    beat = Beat()
    yield worker
    beat.stop()
    worker.kill()
    if worker.log.exists():
        print(worker.log.read_text(encoding="utf-8", errors="replace")[-4000:])


def wait_until(is_so: Callable[[], bool], *, within: float, every: float = 0.02) -> None:
    end = time.monotonic() + within
    while not is_so():
        if time.monotonic() > end:
            pytest.fail(f"not so within {within} s")
        time.sleep(every)
