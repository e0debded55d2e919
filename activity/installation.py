"""Whether this is a restored copy: then nothing leaves until somebody has decided.

A database that was restored from a backup holds messages that its original has sent since. The installation keeps a
note in its data folder, outside the database: whose database it worked on, and how far that one's epoch was. A running
worker advances the epoch and then the note, so these are signs of a copy:

- the database's epoch is behind the note's: an older state was put back;
- the note was written in another place: the data folder was copied along;
- the database lies on another server, or under another number on the same one: a dump was read in;
- the database bears another name than INSTALLATION_NAME: a copy for trying things out;
- there is no note of this database, and nobody has worked on it for a while: it was restored elsewhere.

A further host of the same installation, with a data folder of its own, is none of these: the others have advanced the
epoch a moment ago. What comes in is stored and worked on all the while.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from activity.models import Installation
from core import clock
from core.refused import Refused
from core.registry import Registry, path_of

logger = logging.getLogger(__name__)

NOTE: Final = "installation.json"
# Nobody has worked on the database for longer than this, and it is not known here: it was restored.
ABANDONED_AFTER = timedelta(minutes=10)

# Takes whether all that waits or only what is due is cancelled, and since when it is a copy; how much it cancelled.
Cancel = Callable[[bool, datetime], int]

_cancels: Registry[Cancel] = Registry("Cancelled where a restored copy is not to send", name=path_of)
_lock = threading.Lock()
_is_worker = False
_is_compared = False
_seen: tuple[str, int] = ("", 0)


class NotPaused(Refused):
    """The installation is not paused: there is nothing to decide."""

    status = 409


@dataclass
class Note:
    """The note in the data folder: which database it worked on, and that one's epoch."""

    identity: str
    epoch: int
    former: list[str] = field(default_factory=list)
    place: str = ""


def register_leaving(cancel: Cancel) -> None:
    """Register `cancel`: called when a restored copy is not to send what waits in it."""
    _cancels.register(cancel)


def begin_watching() -> None:
    """Mark this process as a worker: it compares the note before anything is sent."""
    global _is_worker
    _is_worker = True


def advance() -> bool:
    """Compare the epochs, then advance both; False where the installation is paused as a copy."""
    global _is_compared, _seen
    with _lock:
        note, now = _read(), clock.now()
        with transaction.atomic():
            Installation.objects.get_or_create(pk=1, defaults={"advanced_at": now, "name": settings.INSTALLATION_NAME})
            row = Installation.objects.select_for_update(no_key=True).defer("audit_key").get(pk=1)
            why = "" if row.held_since else _sign_of_a_copy(row, note, now)
            if why:
                logger.error("restored_copy", extra={"reason": why})
                row.held_since, row.held_why = now, why
            elif not row.held_since:
                row.epoch, row.advanced_at = row.epoch + 1, now
                row.name = row.name or settings.INSTALLATION_NAME
                row.database = row.database or _database()
            row.save()
        _is_compared = True
        if row.held_since:
            return False
        _seen = (str(row.identity), row.epoch)
        _write(row)
        return True


def is_held() -> bool:
    """Whether sending is paused; read before each round of sending, one query."""
    if _is_worker and not _is_compared:
        return not advance()
    row = Installation.objects.filter(pk=1).only("identity", "epoch", "held_since").first()
    if row is None or row.held_since is not None:
        return row is not None
    identity, epoch = _seen
    if _is_worker and str(row.identity) == identity and row.epoch < epoch:
        return not advance()
    return False


def hold(why: str) -> None:
    """Pause the installation as a copy from now on: nothing leaves until somebody decides."""
    now = clock.now()
    with transaction.atomic():
        Installation.objects.get_or_create(pk=1, defaults={"advanced_at": now, "name": settings.INSTALLATION_NAME})
        rows = Installation.objects.filter(pk=1)
        rows.update(held_since=now, held_why=why[:300])
    logger.error("restored_copy", extra={"reason": why})


def held() -> Installation | None:
    """The row with the time and reason of the pause; None where there is none."""
    return Installation.objects.filter(pk=1, held_since__isnull=False).first()


def reason() -> str:
    """The health check: empty, or a text that asks for the decision."""
    row = held()
    return f"held as a restored copy since {row.held_since:%Y-%m-%d %H:%M} UTC: {row.held_why}" if row else ""


def decide(*, cancel_due: bool = False, cancel_all: bool = False) -> int:
    """Go on with a copy as an installation of its own; returns how many rows were cancelled. Raises NotPaused.

    With `cancel_due` what came along and is due by now does not leave, with `cancel_all` nothing that came along does.
    """
    global _seen
    with _lock:
        cancelled = 0
        with transaction.atomic():
            rows = Installation.objects.select_for_update(no_key=True).defer("audit_key")
            row = rows.filter(pk=1, held_since__isnull=False).first()
            if row is None or row.held_since is None:
                raise NotPaused("This installation is not held as a restored copy.")
            if cancel_due or cancel_all:
                cancelled = sum(cancel(cancel_all, row.held_since) for cancel in _cancels)
            row.former = [*row.former, str(row.identity)][-50:]
            row.identity, row.epoch, row.advanced_at = uuid.uuid4(), row.epoch + 1, clock.now()
            row.name, row.database = settings.INSTALLATION_NAME, _database()
            row.held_since, row.held_why = None, ""
            row.save()
        _seen = (str(row.identity), row.epoch)
        _write(row)
    logger.warning("restored_copy_goes_on", extra={"cancelled": cancelled})
    return cancelled


def _sign_of_a_copy(row: Installation, note: Note | None, now: datetime) -> str:
    identity = str(row.identity)
    if settings.INSTALLATION_NAME and row.name and row.name != settings.INSTALLATION_NAME:
        return f"the database belongs to the installation “{row.name}”"
    database = _database()
    if row.database and database and row.database != database:
        return "the database was read into another server, or into another database of it"
    if note is not None and note.identity == identity:
        if row.epoch < note.epoch:
            return "the database is older than what this installation had seen, so it was restored from a backup"
        if note.place and note.place != _place():
            return "the data folder was copied from another place or machine"
        return ""
    if note is not None and identity in note.former:
        return "the database is older than the last decision about a copy, so it was restored from a backup"
    if note is not None and note.identity in row.former:
        return ""
    idle = now - row.advanced_at
    if row.epoch and idle > ABANDONED_AFTER:
        return f"nobody has worked on the database for {_long(idle)}, and this data folder does not know it"
    return ""


def _long(idle: timedelta) -> str:
    hours = int(idle.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours else "some minutes"


def _place() -> str:
    """The note's place: its path and, where the system has one, the machine's id."""
    return hashlib.sha256(f"{settings.DATA_DIR}\n{_machine()}".encode()).hexdigest()[:32]


def _machine() -> str:
    try:
        return Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _database() -> str:
    """The database's identity: its server's id for it; with SQLite its file and machine."""
    if connection.vendor != "postgresql":
        return hashlib.sha256(f"{connection.settings_dict['NAME']}\n{_machine()}".encode()).hexdigest()[:32]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
                " FROM pg_control_system()"
            )
            system, number = cursor.fetchone()
    except ProgrammingError:  # a server that tells nobody; the other signs are left
        return ""
    return f"{system}/{number}"


def _path() -> Path:
    return Path(settings.DATA_DIR) / NOTE


def _read() -> Note | None:
    try:
        data = json.loads(_path().read_text(encoding="utf-8"))
        return Note(str(data["identity"]), int(data["epoch"]), [str(one) for one in data["former"]], str(data["place"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("installation_note_unreadable", extra={"reason": f"{type(error).__name__}: {error}"})
        return None


def _write(row: Installation) -> None:
    """Write the note after the commit, atomically. Where that fails the note is behind, which is no sign of a copy."""
    note = Note(str(row.identity), row.epoch, list(row.former), _place())
    draft = _path().with_name(f".{NOTE}-{os.getpid()}")
    try:
        draft.write_text(json.dumps(asdict(note)), encoding="utf-8")
        draft.replace(_path())
    except OSError as error:
        logger.warning("installation_note_not_written", extra={"reason": str(error)})
