"""Leases are renewed while the work goes on: it may last longer than its lease, and is not begun twice for that.

One thread of the process renews what the process holds, behind each claim's fence. It has nothing to do, and asks the
database nothing, while all work is shorter than a third of its lease. A frozen or killed process renews nothing, so its
rows are taken by others when their leases end. Work that goes on for longer than its queue allows is ended by the same
thread: its claim is taken away and the row is set aside.
"""

from __future__ import annotations

import copy
import itertools
import logging
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from core import clock
from core.claims import Claimable
from core.jobs import close_connections

logger = logging.getLogger(__name__)

# The thread looks no more often than this, whatever the leases.
LEAST_SECONDS = 0.2


@dataclass(eq=False, slots=True)
class Held:
    """A claimed row in work: when its time ends, when its lease is renewed next. Times are the steady clock's."""

    row: Claimable
    lease: timedelta
    longest: timedelta
    too_long: Callable[[Any], None]
    # The claim that is renewed; the row's own is gone once its worker has settled it.
    token: UUID | None = field(init=False)
    ends_at: float = field(init=False)
    renew_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.token = self.row.claim_token
        self.moved_on()

    def moved_on(self) -> None:
        """Restart the time limit, because the work made progress."""
        now = clock.steady()
        self.ends_at = now + self.longest.total_seconds()
        self.renew_at = now + self.step

    @property
    def step(self) -> float:
        return max(self.lease.total_seconds() / 3, LEAST_SECONDS)

    def has_ended(self) -> bool:
        return clock.steady() >= self.ends_at


class Renewer:
    """The rows that this process works on, and the thread that renews their leases."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[int, Held] = {}
        self._keys = itertools.count()
        self._thread: threading.Thread | None = None
        self._process = 0

    @contextmanager
    def holding(self, held: Held) -> Generator[Held]:
        """Renew the row's lease as long as the block runs."""
        with self._changed:
            key = next(self._keys)
            self._held[key] = held
            self._ensure_thread()
            self._changed.notify_all()
        try:
            yield held
        finally:
            with self._changed:
                self._held.pop(key, None)

    def moved_on(self, row: Claimable) -> None:
        """Restart the row's time limit, because the work on it made progress."""
        with self._changed:
            for locked in self._held.values():
                if locked.row is row:
                    locked.moved_on()

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive() and self._process == os.getpid():
            return
        if self._process != os.getpid():
            self._process, self._held = os.getpid(), dict(list(self._held.items())[-1:])
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the system gives no more threads: work that is quick needs no renewal
            self._thread = None
            logger.warning("leases_not_renewed", extra={"reason": str(error)})

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._held))
                now = clock.steady()
                due = [(key, one) for key, one in self._held.items() if min(one.renew_at, one.ends_at) <= now]
                if not due:
                    next_at = min(min(one.renew_at, one.ends_at) for one in self._held.values())
                    self._changed.wait(max(next_at - now, LEAST_SECONDS))
                    continue
            try:
                for key, one in due:
                    self._look_after(key, one)
            finally:
                close_connections()

    def _look_after(self, key: int, held: Held) -> None:
        held.renew_at = clock.steady() + held.step
        try:
            is_renewed = self._end(held) if held.has_ended() else _renew(held)
        except DatabaseError as error:
            # It is away, or SQLite's one writer is at work, perhaps the very row's own: asked again in a moment.
            held.renew_at = clock.steady() + LEAST_SECONDS
            logger.debug("lease_not_renewed", extra={"row": _name(held.row), "reason": str(error)})
            return
        except Exception:
            logger.exception("lease_not_renewed", extra={"row": _name(held.row)})
            return
        if not is_renewed:
            with self._changed:
                self._held.pop(key, None)

    def _end(self, held: Held) -> bool:
        logger.error("work_too_long", extra={"row": _name(held.row), "seconds": int(held.longest.total_seconds())})
        # The worker has the row in its hands: what is written here is not to change it under them.
        row = copy.copy(held.row)
        row.claim_token = held.token
        held.too_long(row)
        return False


def _renew(held: Held) -> bool:
    """Move the end of the lease on; False where the claim is over. A row that is locked is being settled or written."""
    rows = type(held.row)._base_manager.filter(pk=held.row.pk, claim_token=held.token)
    with transaction.atomic():
        if connections[rows.db].features.has_select_for_update_skip_locked:
            free = rows.select_for_update(skip_locked=True, of=("self",), no_key=True).values_list("pk", flat=True)
            if not list(free):
                return bool(rows.exists())
        return bool(rows.update(due_at=clock.now() + held.lease) == 1)


def _name(row: Claimable) -> str:
    return f"{type(row).__name__} {row.pk}"


renewer = Renewer()
