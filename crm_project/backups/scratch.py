"""A database beside the one in use, which everything in this thread works on for a while."""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from crm_project.backups.manifest import InvalidBackup

PREFIX: Final = "parley_rehearsal"
KILLED_AFTER: Final = timedelta(days=1)


def beside(**changes: object) -> BaseDatabaseWrapper:
    """A connection as the default one, with other settings, and without its pool."""
    usual = connections[DEFAULT_DB_ALIAS]
    settings: dict[str, Any] = {**copy.deepcopy(_without_pool(usual.settings_dict)), **changes}
    return type(usual)(settings, DEFAULT_DB_ALIAS)


@contextmanager
def in_place_of_default(other: BaseDatabaseWrapper) -> Iterator[None]:
    """Whatever this thread asks the database, it asks that one; other threads go on as before."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual
        other.close()


@contextmanager
def database(folder: Path) -> Iterator[Path | None]:
    """An empty database in place of the default one, which is gone afterwards. With SQLite a file in a folder of its
    own below `folder`, whose path is given.

    Raises InvalidBackup where none can be made.
    """
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        with _postgresql():
            yield None
        return
    _forget_killed(folder)
    place = Path(tempfile.mkdtemp(prefix=f".{PREFIX}-", dir=folder))
    try:
        path = place / "database.sqlite3"
        with in_place_of_default(beside(NAME=str(path))):
            yield path
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _postgresql() -> Iterator[None]:
    import psycopg  # loaded only where it is used
    from psycopg import sql

    name = sql.Identifier(f"{PREFIX}_{os.getpid()}")
    parameters = beside().get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as own:
        own.execute("SET statement_timeout = 0")
        # What a killed process left is a copy of everything, and in a container the next one has its number again.
        left_behind = own.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{PREFIX}_[0-9]+$"])
        for (left,) in left_behind.fetchall():
            with suppress(psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege):
                own.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(left)))
        try:
            own.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        except psycopg.errors.InsufficientPrivilege as error:
            raise InvalidBackup(
                "The database’s user may not make a database to rehearse in. Let it: ALTER ROLE … CREATEDB."
            ) from error
    try:
        with in_place_of_default(beside(NAME=f"{PREFIX}_{os.getpid()}")):
            yield
    finally:
        with psycopg.connect(**parameters, autocommit=True) as own:
            own.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _forget_killed(folder: Path) -> None:
    """Delete the copies of processes that were killed: no rehearsal takes as long as KILLED_AFTER."""
    for left in folder.glob(f".{PREFIX}-*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - KILLED_AFTER.total_seconds():
                shutil.rmtree(left, ignore_errors=True)


def _without_pool(settings: dict[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in settings.get("OPTIONS", {}).items() if name != "pool"}
    return {**settings, "OPTIONS": options}
