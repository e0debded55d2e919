"""SQLite: its online copy of the whole file."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from crm_project.backups import scratch
from crm_project.backups.manifest import DATABASE, MARKS, InvalidBackup, Manifest, Snapshot, Table

FILE: Final = "database.sqlite3"


def dump(folder: Path, file_columns: Iterable[tuple[str, str]], fixed: Callable[[], None]) -> Snapshot:
    """Write the database as it is in one moment; `fixed` is called right after that."""
    (folder / DATABASE).mkdir()
    target = folder / DATABASE / FILE
    origin = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(origin, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
        # All pages in one step: writers go on beside it, and it never begins anew.
        source.backup(copy, pages=-1)
        fixed()
        copy.execute("PRAGMA journal_mode=DELETE")
    target.chmod(0o600)
    return rehearse(folder, file_columns)


def rehearse(folder: Path, file_columns: Iterable[tuple[str, str]]) -> Snapshot:
    """Read the copy as a whole. Raises InvalidBackup for a damaged one, and for a dangling reference."""
    with closing(sqlite3.connect(f"file:{folder / DATABASE / FILE}?mode=ro", uri=True)) as copy:
        check(copy)
        marks = {mark.name: str(copy.execute(mark.query).fetchone()[0]) for mark in MARKS}
        return Snapshot(tables(copy), names(copy, file_columns), marks)


def opened(folder: Path) -> BaseDatabaseWrapper:
    """A connection to the copy in a backup, which can't write."""
    return scratch.beside(NAME=f"file:{folder / DATABASE / FILE}?mode=ro", OPTIONS={"timeout": 30})


def check(database: sqlite3.Connection) -> None:
    """Raises InvalidBackup for a damaged file, and for a row whose row elsewhere is missing."""
    (word,) = database.execute("PRAGMA integrity_check").fetchone()
    if word != "ok":
        raise InvalidBackup(f"The database’s file is damaged: {word}.")
    if (dangling := database.execute("PRAGMA foreign_key_check").fetchone()) is not None:
        raise InvalidBackup(f"A row of {dangling[0]} points to a row of {dangling[2]} that is not there.")


def tables(database: sqlite3.Connection) -> dict[str, Table]:
    """Every table with how many rows it has."""
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    results = {}
    for (name,) in sorted(rows.fetchall()):
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{name}")')]
        (count,) = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608 - from the database itself
        results[name] = Table(columns, count)
    return results


def names(database: sqlite3.Connection, file_columns: Iterable[tuple[str, str]]) -> list[str]:
    """What the columns of files name."""
    results = []
    for table, column in file_columns:
        query = f'SELECT "{column}" FROM "{table}" WHERE "{column}" <> \'\''  # noqa: S608 - from the models
        results += [name for (name,) in database.execute(query)]
    return results


def is_empty() -> bool:
    """Whether there is nothing where the database should go."""
    path = Path(connection.settings_dict["NAME"])
    if not path.exists() or path.stat().st_size == 0:
        return True
    with closing(sqlite3.connect(path)) as database:
        return not tables(database)


def restore(folder: Path, manifest: Manifest, *, held_why: str) -> None:
    """Put the file into its place, paused. Raises InvalidBackup where it is damaged."""
    connection.close()
    target = Path(connection.settings_dict["NAME"])
    draft = target.with_name(f"{target.name}.restoring")
    shutil.copyfile(folder / DATABASE / FILE, draft)
    with closing(sqlite3.connect(draft)) as database:
        check(database)
        if tables(database) != dict(manifest.tables):
            raise InvalidBackup("The database has other tables or rows than the backup says.")
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        database.execute("UPDATE activity_installation SET held_since = ?, held_why = ?", [now, held_why[:300]])
        database.commit()
    draft.chmod(0o600)
    for leftover in (f"{target}-wal", f"{target}-shm"):
        Path(leftover).unlink(missing_ok=True)
    draft.replace(target)
