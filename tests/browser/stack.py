"""The real processes: web, worker and beat, on a database and a broker of their own, as `make run` starts them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("web", "worker", "beat")
READY_WITHIN_SECONDS = 60.0
GONE_WITHIN_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """Web, worker and beat of one installation; what they print goes into a file each in `logs`."""

    def __init__(self, environment: Mapping[str, str], logs: Path, port: int) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            **environment,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *parts: str) -> None:
        """Start these parts, or all of them."""
        for part in parts or PARTS:
            with (self.logs / f"{part}.log").open("ab") as log:
                self._running[part] = subprocess.Popen(
                    [sys.executable, "scripts/parts.py", part],
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def stop(self, *parts: str) -> None:
        """End these parts, or all of them, with everything that they started."""
        ending = [self._running.pop(part) for part in parts or PARTS if part in self._running]
        for process in ending:
            process.send_signal(signal.SIGTERM)
        for process in ending:
            try:
                process.wait(GONE_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def kill(self, part: str) -> None:
        """As when the power goes: without a word."""
        process = self._running.pop(part)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_until_ready(self, path: str = "/health/ready") -> None:
        """Every part answers; the canary has gone from the beat through the broker into the worker."""
        until = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < until:
            dead = [part for part, process in self._running.items() if process.poll() is not None]
            if dead:
                raise AssertionError(f"{dead[0]} ended:\n{self.log_of(dead[0])}")
            if self._answers(path):
                return
            time.sleep(0.2)
        raise AssertionError("Not ready in time.\n" + "\n".join(self.log_of(part) for part in PARTS))

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.address + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def log_of(self, part: str) -> str:
        """The end of what a part printed."""
        path = self.logs / f"{part}.log"
        return f"--- {part}\n" + (path.read_text(errors="replace")[-3000:] if path.exists() else "")
