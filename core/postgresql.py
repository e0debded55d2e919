"""Connections to PostgreSQL that notice when the server does not answer.

The server's own time-outs end what takes too long there; they are of no use against a server that is frozen or cut off.
So each wait for it has an end on this side too, and a short one where the pool asks whether a connection still works.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import OperationalError
from psycopg.errors import _WaitTimeout

# How long a server may take to answer an empty statement before it counts as away.
CHECK_SECONDS = 1.5
# How often a wait for the server looks at the clock.
LOOK_EVERY_SECONDS = 0.1

Result = TypeVar("Result")


class Connection(psycopg.Connection[object]):
    """A connection that waits for no answer for ever: OperationalError where none came in time, and it is closed."""

    # None lifts it: `manage.py migrate`, whose statements may take hours.
    longest_wait: float | None = 90.0

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        # Django uses cursors: only the pool's check calls this, with an empty statement.
        if query != "":
            return super().execute(query, *args, **options)
        usual, self.longest_wait = self.longest_wait, CHECK_SECONDS
        try:
            return super().execute(query, *args, **options)
        except OperationalError:
            if self._pool is not None:
                discard_broken(self._pool)
            raise
        finally:
            self.longest_wait = usual

    def wait(
        self, gen: Generator[Any, Any, Result], interval: float = LOOK_EVERY_SECONDS, timeout: float | None = None
    ) -> Result:
        """Called by psycopg for each wait on the server. Raises OperationalError after the time-out."""
        timeout = self.longest_wait if timeout is None else timeout
        try:
            return super().wait(gen, interval, timeout)
        except _WaitTimeout as error:
            # In the middle of a statement it can't be used for another.
            self.close()
            raise OperationalError(f"PostgreSQL did not answer within {timeout} s.") from error


_discarding = threading.Lock()


def discard_broken(pool: Any) -> None:
    """Have the pool drop the connections that a restarted server has forgotten, in a thread of its own.

    Else each of them would be found broken by a request of its own, and whoever meets several gives up.
    """
    if not _discarding.acquire(blocking=False):
        return

    def check() -> None:
        try:
            pool.check()
        finally:
            _discarding.release()

    threading.Thread(target=check, name="pool-check", daemon=True).start()
