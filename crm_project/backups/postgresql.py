"""PostgreSQL: every table by COPY, in one snapshot; needs no program beside the driver, and no superuser."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, LiteralString

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from crm_project.backups import scratch
from crm_project.backups.manifest import DATABASE, MARKS, InvalidBackup, Manifest, Snapshot, Table

ENDING: Final = ".copy.gz"
_LIFTED: Final = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
_TABLES: Final = """
    SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname
"""
# Child, its column, parent, its key; of references by one column, which are all that Django makes.
_REFERENCES: Final = """
    SELECT child.relname, a.attname, parent.relname, b.attname
    FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
    JOIN pg_attribute a ON a.attrelid = child.oid AND a.attnum = k.conkey[1]
    JOIN pg_attribute b ON b.attrelid = parent.oid AND b.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND cardinality(k.conkey) = 1
"""

# What the check of the audit log looks up, again and again.
_CHECKED: Final = {
    "activity_auditlink": ["organization_id", "position"],
    "activity_event": ["organization_id", "occurred_at", "id"],
}


@contextmanager
def _opened() -> Iterator[psycopg.Connection]:
    """A connection of our own, without the time-outs that pages have."""
    parameters = connection.get_connection_params()
    parameters.pop("pool", None)
    with psycopg.connect(**parameters) as own:
        own.autocommit = True
        for name in _LIFTED:
            own.execute(sql.SQL("SET {} = 0").format(sql.Identifier(name)))
        own.autocommit = False
        yield own


def _not_kept() -> set[str]:
    """The cache's table: nobody misses it, and not every installation has it."""
    cache = settings.CACHES["default"]
    return {str(cache["LOCATION"])} if "DatabaseCache" in str(cache["BACKEND"]) else set()


def dump(folder: Path, file_columns: Iterable[tuple[str, str]], fixed: Callable[[], None]) -> Snapshot:
    """Write the database as it is in one moment; `fixed` is called right after that, before the rows are written."""
    place = folder / DATABASE
    place.mkdir()
    results: dict[str, Table] = {}
    with _opened() as own:
        own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        own.read_only = True
        every = own.execute(_TABLES).fetchall()
        fixed()
        for name, columns in every:
            if name not in _not_kept():
                results[name] = Table(list(columns), _write(own, place / f"{name}{ENDING}", name, columns))
        return _snapshot(own, results, file_columns)


def _snapshot(own: psycopg.Connection, tables: dict[str, Table], columns: Iterable[tuple[str, str]]) -> Snapshot:
    names = []
    for table, column in columns:
        query = sql.SQL("SELECT {0} FROM {1} WHERE {0} <> ''").format(sql.Identifier(column), sql.Identifier(table))
        names += [name for (name,) in own.execute(query)]
    marks = {mark.name: str(_one(own, mark.query)) for mark in MARKS}
    return Snapshot(tables, names, marks)


def _one(own: psycopg.Connection, query: LiteralString) -> object:
    (value,) = own.execute(query).fetchone() or (None,)
    return value


def rehearse(
    folder: Path, manifest: Manifest, file_columns: Iterable[tuple[str, str]], filled: Callable[[], None]
) -> Snapshot:
    """Fill temporary tables with the backup, beside those that are in use, and read them; nothing of it stays.

    `filled` is called while they stand in place of those in use for whatever this thread asks. Raises InvalidBackup for
    a row that points to one that is not there, and for tables that are others by now.
    """
    counts = {}
    with _beside() as own:
        there = {name: list(columns) for name, columns in own.execute(_TABLES).fetchall()}
        references = own.execute(_REFERENCES).fetchall()
        for name, table in manifest.tables.items():
            if set(there.get(name, [])) != set(table.columns):
                raise InvalidBackup(f"The table {name} is another by now: it can be restored, but not rehearsed here.")
            own.execute(sql.SQL("CREATE TEMPORARY TABLE {0} (LIKE {0})").format(sql.Identifier(name)))
            counts[name] = Table(table.columns, _read(own, folder / DATABASE / f"{name}{ENDING}", name, table.columns))
        for child, column, parent, key in references:
            if child in counts and _is_dangling(own, child, column, parent, key):
                raise InvalidBackup(f"A row of {child} points to a row of {parent} that is not there.")
        snapshot = _snapshot(own, counts, file_columns)
        for name, looked_up in _CHECKED.items():
            place, indexed = sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, looked_up))
            own.execute(sql.SQL("CREATE INDEX ON pg_temp.{} ({})").format(place, indexed))
            own.execute(sql.SQL("ANALYZE pg_temp.{}").format(place))
        filled()
        own.rollback()
    return snapshot


@contextmanager
def _beside() -> Iterator[psycopg.Connection]:
    """A connection as `_opened` gives it, which stands in place of the default one for this thread."""
    other = scratch.beside()
    other.connect()
    own = other.connection
    assert own is not None  # noqa: S101 - it is connected
    for name in _LIFTED:
        own.execute(sql.SQL("SET {} = 0").format(sql.Identifier(name)))
    # One transaction, whatever Django thinks: at its end nothing of it was.
    own.autocommit = False
    with scratch.in_place_of_default(other):
        yield own


def _is_dangling(own: psycopg.Connection, child: str, column: str, parent: str, key: str) -> bool:
    query = sql.SQL(
        "SELECT 1 FROM {child} c LEFT JOIN {parent} p ON c.{column} = p.{key}"
        " WHERE c.{column} IS NOT NULL AND p.{key} IS NULL LIMIT 1"
    )
    names = {"child": child, "column": column, "parent": parent, "key": key}
    return own.execute(query.format(**{k: sql.Identifier(v) for k, v in names.items()})).fetchone() is not None


def _write(own: psycopg.Connection, path: Path, table: str, columns: list[str]) -> int:
    statement = _copy(table, columns, "TO STDOUT")
    with own.cursor() as cursor, gzip.open(path, "wb", compresslevel=1) as target:
        with cursor.copy(statement) as rows:
            for part in rows:
                target.write(part)
        path.chmod(0o600)
        return cursor.rowcount


def _read(own: psycopg.Connection, path: Path, table: str, columns: list[str]) -> int:
    with own.cursor() as cursor, gzip.open(path, "rb") as source:
        with cursor.copy(_copy(table, columns, "FROM STDIN")) as rows:
            while part := source.read(1 << 16):
                rows.write(part)
        return cursor.rowcount


def _copy(table: str, columns: list[str], direction: LiteralString) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + direction).format(sql.Identifier(table), names)


def is_empty() -> bool:
    """Whether the database has no tables."""
    with _opened() as own:
        return own.execute(_TABLES).fetchone() is None


def load(folder: Path, manifest: Manifest, *, held_why: str) -> None:
    """Fill the tables, which are as they were when the backup was made, and pause, in one transaction.

    Its end checks every reference between rows. Raises InvalidBackup, and nothing was written.
    """
    with _opened() as own:
        there = {name for name, _ in own.execute(_TABLES).fetchall()} - _not_kept()
        if missing := set(manifest.tables) - there:
            raise InvalidBackup(f"This version does not make the table {min(missing)}.")
        every = sql.SQL(", ").join(map(sql.Identifier, sorted(there)))
        own.execute(sql.SQL("TRUNCATE {}").format(every))
        for name, table in manifest.tables.items():
            rows = _read(own, folder / DATABASE / f"{name}{ENDING}", name, table.columns)
            if rows != table.rows:
                raise InvalidBackup(f"{name} has {rows} rows, and the backup says {table.rows}.")
            for column in table.columns:
                _advance(own, name, column)
        own.execute("UPDATE activity_installation SET held_since = now(), held_why = %s", [held_why[:300]])
        try:
            own.commit()
        except psycopg.IntegrityError as error:
            raise InvalidBackup(f"A row points to one that is not there: {error.diag.message_detail}") from error


def _advance(own: psycopg.Connection, table: str, column: str) -> None:
    """The next number of a counted column comes after those that are there."""
    name = sql.Identifier(table).as_string(own)
    (sequence,) = own.execute("SELECT pg_get_serial_sequence(%s, %s)", [name, column]).fetchone() or (None,)
    if sequence:
        query = sql.SQL("SELECT setval(%s, greatest(coalesce(max({}), 0), 1), count(*) > 0) FROM {}")
        own.execute(query.format(sql.Identifier(column), sql.Identifier(table)), [sequence])
