"""What a row may do to its worker: kill it, or take far longer than its lease."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from django.apps import AppConfig

DEADLY = b"this text kills"
SLOW = b"this text takes long"
# Over twice the lease that the environment sets for these tests.
SLOW_SECONDS = float(os.environ.get("TEST_SLOW_SECONDS", "0"))
LEASE_SECONDS = float(os.environ.get("TEST_LEASE_SECONDS", "0"))


class KillersConfig(AppConfig):
    name = "tests.processes.steps"
    label = "killers"

    def ready(self) -> None:
        from datetime import timedelta

        from messaging.intake import processing

        real = processing._process

        def take_in(arrival: Any, channel: Any) -> dict[str, Any]:
            if DEADLY in bytes(arrival.body):
                os.kill(os.getpid(), signal.SIGKILL)
            if SLOW in bytes(arrival.body):
                with open(os.environ["TEST_LOG"], "a", encoding="utf-8") as log:
                    log.write(f"begun by {os.getpid()}\n")
                time.sleep(SLOW_SECONDS)
            return real(arrival, channel)

        processing._process = take_in
        if LEASE_SECONDS:
            object.__setattr__(processing.QUEUE, "lease", timedelta(seconds=LEASE_SECONDS))
