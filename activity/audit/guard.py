"""PostgreSQL keeps the ledger's rows: what erasing, merging and the like change there is announced to its trigger.

The trigger (migration 0003) lets the application change how far an event is dispatched, and no more, unless the
transaction has said what it does. A statement that somebody smuggled in says nothing of the kind. SQLite has no such
guard; the chain finds a change on both.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from django.db import connection

Purpose = Literal["erase", "move", "restate", "delete"]


@contextmanager
def allowing(purpose: Purpose) -> Generator[None]:
    """Let the transaction's statements inside do this to events: `erase` takes content away, `move` gives them to
    another customer, `restate` corrects rows that are not sealed, `delete` is for whole organizations."""
    if connection.vendor != "postgresql":
        yield
        return
    _set(purpose)
    yield
    # Not where the block raised: the transaction is aborted then, and its settings end with it.
    _set("")


def _set(purpose: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('parley.ledger', %s, true)", [purpose])
