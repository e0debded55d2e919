"""Rows that are worked on alone: one that a worker died with must not end the work on others if it kills the next one.

Rows are worked on side by side in the threads of a worker. Before one that may be a killer the process finishes what it
has in hand and begins nothing else, for a few seconds at most: what kills does so soon, and a queue must not stand
because a file of a gigabyte is being fetched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

WAIT_SECONDS: Final = 10.0


class Gate:
    """A lock with two modes: `beside_others` is shared by many threads, `alone` excludes all others."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._changed = threading.Condition()
        self._wait_seconds = wait_seconds
        self._beside = 0
        self._alone = 0
        self._waiting = 0
        self._alone_ends = 0.0
        self._local = threading.local()

    @contextmanager
    def beside_others(self) -> Generator[None]:
        """Hold the shared mode; waits for a few seconds at most while a suspect row is tried."""
        if self._is_inside:
            yield
            return
        with self._entered(self._may_begin, "_beside"):
            yield

    @contextmanager
    def alone(self) -> Generator[None]:
        """Hold the exclusive mode: waits some seconds at most for the others, and lets no other begin meanwhile."""
        if self._is_inside:
            yield  # a row whose work leads to another's stays one piece of work
            return
        with self._changed:
            self._waiting += 1
        with self._entered(lambda: self._alone == 0 and self._beside == 0, "_alone"):
            yield

    @property
    def is_requested(self) -> bool:
        """Whether a thread waits for the exclusive mode: work in steps then stops after the one in hand."""
        return self._waiting > 0

    @property
    def in_hand(self) -> int:
        """How many rows the process is working on."""
        return self._beside + self._alone

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until no row is worked on; False where that took longer than the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.in_hand == 0, seconds)

    def _may_begin(self) -> bool:
        # A suspect that lasts (a long job) has the process for a while, and then shares it: what kills does so soon.
        is_free = self._alone == 0 or time.monotonic() >= self._alone_ends
        return is_free and self._waiting == 0

    def _seconds_to_wait(self) -> float:
        return max(self._alone_ends - time.monotonic(), 0.0) if self._alone else self._wait_seconds

    @property
    def _is_inside(self) -> bool:
        return bool(getattr(self._local, "is_inside", False))

    @contextmanager
    def _entered(self, may_enter: Callable[[], bool], counter: str) -> Generator[None]:
        with self._changed:
            try:
                self._changed.wait_for(may_enter, self._seconds_to_wait())
            finally:
                self._waiting -= int(counter == "_alone")
            if counter == "_alone":
                self._alone_ends = time.monotonic() + self._wait_seconds
            setattr(self, counter, getattr(self, counter) + 1)
        self._local.is_inside = True
        try:
            yield
        finally:
            self._local.is_inside = False
            with self._changed:
                setattr(self, counter, getattr(self, counter) - 1)
                self._changed.notify_all()


gate = Gate()
