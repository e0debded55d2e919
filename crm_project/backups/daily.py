"""The daily backup: taken, rehearsed, and old ones deleted by rule; what came of it stands beside each."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from activity.doctor.checks import Check, Line, about, failed, good, register, unknown, warning
from core.jobs import wake_up
from core.refused import Refused
from crm_project.backups import services
from crm_project.backups.manifest import InvalidBackup, Manifest, read

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(hours=23)
LATE_AFTER: Final = timedelta(hours=30)
FAILED_AFTER: Final = timedelta(days=3)
# Before the days of which all are kept, the newest of each week.
KEPT_WEEKS: Final = 5
NOTE: Final = "rehearsal.json"
# A file in the folder, which web and worker share: another is wanted now.
REQUESTED: Final = ".requested"
TASK: Final = "crm_project.tasks.back_up"


@dataclass(frozen=True)
class Rehearsal:
    """`problem` is empty where the backup could be restored; `entries` of the audit log, of `chains` organizations,
    were checked link by link, none where that was not possible."""

    at: str
    problem: str
    entries: int | None = None
    chains: int | None = None


@dataclass(frozen=True)
class Backup:
    path: Path
    manifest: Manifest
    rehearsal: Rehearsal | None

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.manifest.tables.values())


class NoBackupFolder(Refused):
    """BACKUP_DIR is not set, so there is no place for a backup."""

    status = 409


def listed() -> list[Backup]:
    """The backups in BACKUP_DIR, the newest first."""
    return every(Path(settings.BACKUP_DIR)) if settings.BACKUP_DIR else []


def request_now() -> None:
    """Have a worker take one, whenever the last was taken. Raises NoBackupFolder."""
    if not settings.BACKUP_DIR:
        raise NoBackupFolder(gettext("Backups have no place: whoever runs the installation has to set BACKUP_DIR."))
    folder = Path(settings.BACKUP_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / REQUESTED).touch()
    wake_up(TASK)


def every(folder: Path) -> list[Backup]:
    """The whole backups in a folder, the newest first."""
    results = []
    for path in folder.glob("parley-*") if folder.is_dir() else ():
        try:
            results.append(Backup(path, read(path), _rehearsal_of(path)))
        except InvalidBackup:
            logger.warning("backup_unreadable", extra={"path": path.name})
    return sorted(results, key=lambda backup: backup.manifest.made_at, reverse=True)


def run() -> int:
    """Take, rehearse and tidy where a day has passed; how many were taken. Nothing without BACKUP_DIR."""
    if not settings.BACKUP_DIR:
        return 0
    folder = Path(settings.BACKUP_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder) as is_alone:
        backups = every(folder) if is_alone else []
        request = folder / REQUESTED
        is_recent = bool(backups) and timezone.now() - backups[0].manifest.made_at < EVERY
        if not is_alone or (is_recent and not request.exists()):
            return 0
        request.unlink(missing_ok=True)
        path = services.take(folder)
        rehearse(path)
        for old in superfluous(every(folder)):
            shutil.rmtree(old.path)
    return 1


def rehearse(path: Path) -> Rehearsal:
    """Rehearse a backup, and note beside it what came of it."""
    at = timezone.now().isoformat()
    try:
        chains = services.rehearse(path).chains
        result = Rehearsal(at, "", chains.entries, chains.count) if chains is not None else Rehearsal(at, "")
    except InvalidBackup as error:
        result = Rehearsal(at, str(error))
        logger.exception("rehearsal_failed", extra={"backup": path.name})
    (path / NOTE).write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def superfluous(backups: list[Backup]) -> list[Backup]:
    """Those that the rule does not keep: all of the last BACKUP_KEEP_DAYS, and before the newest of each week.

    The newest that was rehearsed well stays, however old.
    """
    kept: set[Path] = {backup.path for backup in backups if backup.rehearsal and not backup.rehearsal.problem}
    kept = {next((backup.path for backup in backups if backup.path in kept), Path())}
    days_end = timezone.now() - timedelta(days=settings.BACKUP_KEEP_DAYS)
    weeks_end = days_end - timedelta(weeks=KEPT_WEEKS)
    weeks: set[tuple[int, int]] = set()
    for backup in backups:
        made_at = backup.manifest.made_at
        week = made_at.isocalendar()[:2]
        if made_at >= days_end or (made_at >= weeks_end and week not in weeks):
            kept.add(backup.path)
        weeks.add(week)
    return [backup for backup in backups if backup.path not in kept]


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process is at it; the lock goes with the process."""
    with (folder / ".lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _rehearsal_of(path: Path) -> Rehearsal | None:
    try:
        return Rehearsal(**json.loads((path / NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


_NOT_SET: Final = gettext_noop("No daily backup is taken.")
_SET: Final = gettext_noop("Set BACKUP_DIR to a folder on another disk, or take backups by manage.py backup.")
_GOOD: Final = gettext_noop("The newest is of %(made_at)s, and a rehearsal restored it. %(count)s are kept.")
_WHOLE: Final = gettext_noop(
    "The newest is of %(made_at)s. A rehearsal restored it, and all %(entries)s entries of its audit logs are as they "
    "were written. %(count)s are kept."
)
_NOT_REHEARSED: Final = gettext_noop("The newest is of %(made_at)s, and was not rehearsed.")
_REHEARSE: Final = gettext_noop("Run: manage.py backup --rehearse %(path)s")
_LATE: Final = gettext_noop("The newest is of %(made_at)s.")
_NONE: Final = gettext_noop("There is none in %(folder)s yet.")
_SEE_LOG: Final = gettext_noop("See whether the worker runs, can write to BACKUP_DIR, and what its log says.")
_BROKEN: Final = gettext_noop("The newest, of %(made_at)s, could not be restored: %(problem)s")
_TAKE_ANOTHER: Final = gettext_noop("Take another by manage.py backup, and keep the last one that could be restored.")


def check() -> list[Line]:
    """When the last backup was taken, and whether it could be restored."""
    if not settings.BACKUP_DIR:
        return [good(_NOT_SET) if settings.DEBUG else warning(_NOT_SET, _SET)]
    backups = every(Path(settings.BACKUP_DIR))
    if not backups:
        return [unknown(_NONE, _SEE_LOG, folder=settings.BACKUP_DIR)]
    newest = backups[0]
    made_at: datetime = newest.manifest.made_at
    age = timezone.now() - made_at
    if newest.rehearsal is not None and newest.rehearsal.problem:
        return [failed(_BROKEN, _TAKE_ANOTHER, made_at=made_at, problem=newest.rehearsal.problem)]
    if age > LATE_AFTER:
        line = (failed if age > FAILED_AFTER else warning)(_LATE, _SEE_LOG, made_at=made_at)
        return [about(line, "", since=made_at + EVERY)]
    if newest.rehearsal is None:
        return [warning(_NOT_REHEARSED, _REHEARSE, made_at=made_at, path=str(newest.path))]
    if (entries := newest.rehearsal.entries) is not None:
        return [good(_WHOLE, made_at=made_at, count=len(backups), entries=entries)]
    return [good(_GOOD, made_at=made_at, count=len(backups))]


def register_all() -> None:
    # The folder is the worker's: another host may not have it.
    label, often = _("Backups"), timedelta(minutes=5)
    register(Check(name="backups", label=label, group="storage", run=check, is_quick=False, every=often))
