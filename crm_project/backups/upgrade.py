"""An upgrade tried on a copy first: a backup is put into a scratch database, which is migrated, counted and checked.

Everything is the real thing but the database: the migrations of this version, the models, the check of the audit log.
Nothing of the copy stays, and nothing that runs is touched.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.apps import apps
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from crm_project.backups import chains, scratch, sqlite
from crm_project.backups.chains import Chains
from crm_project.backups.manifest import DATABASE, MARKS, InvalidBackup, Manifest, verify
from crm_project.backups.services import migrate_to

# Rows that come and go with a migration itself.
OWN_TABLES: Final = frozenset({"django_migrations", "django_content_type", "auth_permission"})


@dataclass
class Trial:
    """What came of a rehearsed upgrade. It went well where `problem` is empty."""

    backup: Path
    migrations: list[str] = field(default_factory=list)
    # Of each table whose number of rows is another afterwards: before, after (None where it is gone).
    changed: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    chains: Chains | None = None
    warnings: list[str] = field(default_factory=list)
    # Seconds of each part, in the order of the work.
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[part] = time.monotonic() - begun


def pending() -> list[str]:
    """The migrations that this version has and the database in use (in this thread) has not."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _is_backwards in plan]


def rehearse(backup: Path) -> Trial:
    """Restore a backup into a scratch database, and upgrade that one. Never raises for what is wrong with either."""
    trial = Trial(backup)
    try:
        with trial.timed("reading the backup"):
            manifest = verify(backup)
            if manifest.vendor != connection.vendor:
                raise InvalidBackup(f"The backup is of {manifest.vendor}, and the database is {connection.vendor}.")
        with scratch.database(backup.parent) as path:
            with trial.timed("restoring"):
                _fill(backup, manifest, path)
            _upgrade(trial, manifest)
    except (InvalidBackup, CommandError) as error:
        trial.problem = str(error)
    except (DatabaseError, OSError) as error:
        trial.problem = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - a migration's own code may fail in any way, which is what is asked here
        trial.problem = f"{type(error).__name__}: {error}"
    return trial


def _fill(backup: Path, manifest: Manifest, path: Path | None) -> None:
    if path is not None:
        shutil.copyfile(backup / DATABASE / sqlite.FILE, path)
        return
    from crm_project.backups import postgresql  # psycopg is loaded only where it is used

    migrate_to(manifest)
    postgresql.load(backup, manifest, held_why="it is a rehearsal of an upgrade")


def _upgrade(trial: Trial, manifest: Manifest) -> None:
    before = _marks()
    trial.migrations = pending()
    with trial.timed("migrating"):
        call_command("migrate", interactive=False, verbosity=0)
    with trial.timed("checking"):
        trial.warnings = _checks()
        _read_every_model()
        trial.changed = _compare(manifest.tables)
        for name, value in _marks().items():
            if name in before and before[name] != value:
                raise InvalidBackup(f"After the migrations the {name} is {value}, and it was {before[name]}.")
    with trial.timed("checking the audit logs"):
        trial.chains = chains.check_all(manifest)


def _marks() -> dict[str, str]:
    """What a database is recognised by; where a table is not there yet, nothing."""
    results = {}
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for mark in MARKS:
            if any(f" {table}" in f"{mark.query} " for table in there):
                cursor.execute(mark.query)
                results[mark.name] = str(cursor.fetchone()[0])
    return results


def _checks() -> list[str]:
    """What Django's checks say of the migrated database and of the settings. Raises InvalidBackup for an error."""
    messages = checks.run_checks(databases=[connection.alias])
    errors = [message for message in messages if message.is_serious() and not message.is_silenced()]
    if errors:
        raise InvalidBackup(f"A check fails after the migrations: {errors[0]}")
    if left := pending():
        raise InvalidBackup(f"{left[0]} was not applied.")
    return [str(message) for message in messages if not message.is_silenced()]


def _read_every_model() -> None:
    """One row of each: the columns are those that the program asks for."""
    for model in apps.get_models():
        if model._meta.managed:
            model._base_manager.order_by().first()


def _compare(tables: Mapping[str, object]) -> dict[str, tuple[int, int | None]]:
    changed: dict[str, tuple[int, int | None]] = {}
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for name, table in tables.items():
            before, after = int(getattr(table, "rows", 0)), None
            if name in there:
                cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608 - the database's own names
                after = int(cursor.fetchone()[0])
            if after != before and name not in OWN_TABLES:
                changed[name] = before, after
    return changed
