"""One clock for what is due: the database's.

Several machines work on one queue, and the clock of one of them may be an hour off or jump. What is due, until when a
claim holds and how fast a channel sends is decided by the database's time: it is asked once in a while, and counted on
by a clock that never jumps. With SQLite the database has no other clock than this machine's.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import DEFAULT_DB_ALIAS
from django.utils import timezone

logger = logging.getLogger(__name__)

MEASURE_EVERY_SECONDS = 30.0
# A machine whose clock is further off than this shows wrong times to people; it is reported.
MAX_DRIFT = timedelta(seconds=30)

_lock = threading.Lock()
# The database's time when it was asked, and the steady clock's at that moment.
_measured: tuple[datetime, float] | None = None
_drift = timedelta(0)


def steady() -> float:
    """Seconds of a clock that is never set; it goes on while the machine sleeps, where the system offers that."""
    kind = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if kind is None else time.clock_gettime(kind)


def now() -> datetime:
    """The database's time, aware, in UTC; it costs no query but the first of a process."""
    if connections[DEFAULT_DB_ALIAS].vendor != "postgresql":
        return timezone.now()
    measured = _measured
    if measured is None:
        measured = _measure(connections[DEFAULT_DB_ALIAS])
    if measured is None:
        return timezone.now()
    at, counted_from = measured
    return at + timedelta(seconds=steady() - counted_from)


def drift() -> timedelta:
    """By how much this machine's clock was ahead of the database's when they were compared last."""
    return _drift


def is_right() -> str:
    """The clock's health check: empty, or a text with the seconds that this machine is off."""
    off = _drift
    if abs(off) <= MAX_DRIFT:
        return ""
    return f"this machine’s clock is {int(off.total_seconds())} s off the database’s"


def forget() -> None:
    """Forget the offset: the next call asks the database again."""
    global _measured, _drift
    _measured, _drift = None, timedelta(0)


def _measure(connection: BaseDatabaseWrapper) -> tuple[datetime, float] | None:
    """The database's time and ours, read past Django's cursor, so that it counts as nobody's query."""
    global _measured, _drift
    try:
        connection.ensure_connection()
        before = steady()
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (at,) = cursor.fetchone()
        after = steady()
    except Exception as error:  # noqa: BLE001 - the driver's own errors and Django's; the last measure goes on
        if not isinstance(error, DatabaseError):
            logger.debug("clock_not_measured", extra={"reason": str(error)})
        return _measured
    at = at.astimezone(UTC) + timedelta(seconds=(after - before) / 2)
    off = timezone.now() - at
    with _lock:
        if abs(off) > MAX_DRIFT and abs(_drift) <= MAX_DRIFT:
            logger.warning("clock_differs", extra={"seconds": round(off.total_seconds(), 1)})
        _measured, _drift = (at, after), off
    return _measured


def _on_connection(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
    measured = _measured
    if connection.alias != DEFAULT_DB_ALIAS or connection.vendor != "postgresql":
        return
    if measured is None or steady() - measured[1] > MEASURE_EVERY_SECONDS:
        _measure(connection)


connection_created.connect(_on_connection, dispatch_uid="core.clock")
