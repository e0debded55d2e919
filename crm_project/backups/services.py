"""Taking a backup while everything runs, and putting one into an empty place.

A backup is a folder: the database as it was in one moment, every file, digests and a manifest. Files are collected
before the moment, so that none that a row names is deleted meanwhile, and as soon as it is fixed, for those that came.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from activity import installation
from core.tenancy import every_organization
from crm_project.backups import chains, files, scratch, sqlite
from crm_project.backups.chains import Chains
from crm_project.backups.manifest import MEDIA, SUMS, InvalidBackup, Manifest, Snapshot, digest_of, own_keys, verify
from messaging.models import Message

NAME: Final = "parley-{:%Y%m%dT%H%M%SZ}"


def take(into: Path) -> Path:
    """Take a backup into a new folder below `into`; its path. It is whole once it has its name."""
    made_at = timezone.now()
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = NAME.format(made_at.astimezone(UTC))
    # Two of one second have names of their own.
    target = next(
        path for number in range(1000) if not (path := into / (f"{name}-{number}" if number else name)).exists()
    )
    draft = into / f".{target.name}.part"
    draft.mkdir(mode=0o700)
    try:
        files.collect(draft / MEDIA)
        snapshot = _dump(draft, lambda: files.collect(draft / MEDIA))
        count, size = files.write_sums(draft)
        keys, secret = own_keys()
        Manifest(
            made_at=made_at,
            vendor=connection.vendor,
            versions={"python": platform.python_version(), "django": django.get_version()},
            migrations=sorted(MigrationRecorder(connection).applied_migrations()),
            tables=snapshot.tables,
            marks=snapshot.marks,
            files=count,
            size=size,
            missing=_missing(draft, snapshot),
            sums=digest_of(draft / SUMS),
            encryption_keys=keys,
            secret_key=secret,
        ).write(draft)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


def _missing(folder: Path, snapshot: Snapshot) -> list[str]:
    return sorted({name for name in snapshot.names if not (folder / MEDIA / name).is_file()})


def _dump(folder: Path, fixed: Callable[[], None]) -> Snapshot:
    """Write the database; `fixed` is called as soon as its moment is, while the rest is still to be written."""
    if connection.vendor == "postgresql":
        from crm_project.backups import postgresql  # psycopg is loaded only where it is used

        return postgresql.dump(folder, files.columns(), fixed)
    return sqlite.dump(folder, files.columns(), fixed)


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal has read; `chains` is None where the audit log could not be checked here."""

    manifest: Manifest
    chains: Chains | None


def rehearse(folder: Path) -> Rehearsed:
    """Read a backup as a restore would: digests, rows, references, files, marks, and every link of the audit log.

    Raises InvalidBackup.
    """
    manifest = verify(folder)
    results: list[Chains | None] = []

    def check_chains() -> None:
        results.append(chains.check_all(manifest) if _is_of_this_version(manifest) else None)

    if manifest.vendor != connection.vendor:
        raise InvalidBackup(f"The backup is of {manifest.vendor}: it can’t be rehearsed beside {connection.vendor}.")
    if connection.vendor == "postgresql":
        from crm_project.backups import postgresql

        snapshot = postgresql.rehearse(folder, manifest, files.columns(), check_chains)
    else:
        snapshot = sqlite.rehearse(folder, files.columns())
        with scratch.in_place_of_default(sqlite.opened(folder)):
            check_chains()
    for name, table in manifest.tables.items():
        if snapshot.tables.get(name) != table:
            raise InvalidBackup(f"The table {name} has other rows than the backup says.")
    if lost := set(_missing(folder, snapshot)) - set(manifest.missing):
        raise InvalidBackup(f"{len(lost)} files that rows name are missing, as {min(lost)}.")
    for name, value in manifest.marks.items():
        if snapshot.marks.get(name, value) != value:
            raise InvalidBackup(f"The {name} is of {snapshot.marks[name]}, and the backup says {value}.")
    return Rehearsed(manifest, results[0])


def _is_of_this_version(manifest: Manifest) -> bool:
    """Whether this program's models fit the backup's tables."""
    ours = set(MigrationExecutor(None).loader.graph.nodes)
    return ours <= set(manifest.migrations)


@dataclass(frozen=True)
class Restored:
    """What was put back, and what the original has probably sent since: messages that became due after the backup."""

    manifest: Manifest
    due_since: int
    has_other_secret: bool


def restore(folder: Path, *, without_keys: bool = False) -> Restored:
    """Put a backup into an empty database and an empty folder for files; nothing leaves until somebody has decided.

    Raises InvalidBackup for one that is damaged or does not fit, before anything is written. `without_keys`: go on
    although no key at hand reads the stored secrets, which have to be entered anew then.
    """
    manifest = verify(folder)
    _refuse_unfit(manifest, without_keys=without_keys)
    why = f"it was restored from the backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
    # Before the rows, so that no row is without its file.
    files.put_back(folder / MEDIA)
    # Rows and pause are one step: a worker that runs already would send what is due.
    if connection.vendor == "postgresql":
        from crm_project.backups import postgresql

        migrate_to(manifest)
        postgresql.load(folder, manifest, held_why=why)
    else:
        sqlite.restore(folder, manifest, held_why=why)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    installation.hold(why)
    with every_organization("what the original has sent since is counted for all organizations"):
        due = Message.objects.filter(status=Message.Status.QUEUED, due_at__lte=timezone.now())
        due_since = due.filter(due_at__gt=manifest.made_at).count()
    return Restored(manifest, due_since, has_other_secret=manifest.secret_key != own_keys()[1])


def _refuse_unfit(manifest: Manifest, *, without_keys: bool) -> None:
    if manifest.vendor != connection.vendor:
        raise InvalidBackup(
            f"The backup is of {manifest.vendor}, and DATABASE_URL names {connection.vendor}. Name one of its kind."
        )
    known = set(MigrationExecutor(None).loader.graph.nodes)
    replaced = {key for one in MigrationExecutor(None).loader.replacements.values() for key in one.replaces}
    ours = {app for app, _ in known}
    unknown = [key for key in manifest.migrations if key[0] in ours and key not in known | replaced]
    if unknown:
        raise InvalidBackup(
            f"The backup was made by a newer version: this one does not know {'.'.join(unknown[0])}. Restore with that."
        )
    if not without_keys and not set(manifest.encryption_keys) & set(own_keys()[0]):
        raise InvalidBackup(
            "None of ENCRYPTION_KEYS is one of the backup’s: stored passwords and tokens could not be read. Put its "
            "keys into ENCRYPTION_KEYS, or restore with --without-keys and enter every secret anew."
        )
    if not _is_empty():
        raise InvalidBackup("The database is not empty. Restore into an empty one: nothing is overwritten.")
    if any(files.below(Path(settings.MEDIA_ROOT))):
        raise InvalidBackup(
            f"{settings.MEDIA_ROOT} is not empty. Restore into an empty folder: nothing is overwritten."
        )


def _is_empty() -> bool:
    if connection.vendor == "postgresql":
        from crm_project.backups import postgresql

        return postgresql.is_empty()
    return sqlite.is_empty()


def migrate_to(manifest: Manifest) -> None:
    """Make the tables as they were when the backup was made; what came later follows once they are filled."""
    executor = MigrationExecutor(connection)
    applied = set(manifest.migrations)
    graph = executor.loader.graph
    mine = {key for key in graph.nodes if key in applied}
    leaves = [key for key in sorted(mine) if not any(child.key in mine for child in graph.node_map[key].children)]
    executor.migrate(leaves)
