"""An upgrade is tried on a copy: whether it would go well is said before anything is changed."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from activity.audit import sealing
from activity.models import AuditLink
from core.tenancy import every_organization
from crm_project.backups import scratch, services, upgrade
from crm_project.backups.manifest import InvalidBackup

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("accounts", "0009_api_keys")
AFTER = "accounts.0010_organization_life"


@pytest.fixture
def of_before(alice: Any, add_file: Any, tmp_path: Path) -> Any:
    """The database as a version before left it, with a backup."""
    add_file()
    with every_organization("the test seals"):
        sealing.seal(alice.organization.pk)
    MigrationExecutor(connection).migrate([BEFORE])
    yield tmp_path / "backups"
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("upgrade", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def leftovers(folder: Path) -> list[str]:
    """What a rehearsal has left behind: files or databases."""
    found = [path.name for path in folder.glob(f".{scratch.PREFIX}*")]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{scratch.PREFIX}%"])
            found += [name for (name,) in cursor.fetchall()]
    return found


def test_yes_with_times_and_nothing_is_changed(of_before: Path):
    text = run("--rehearse", f"--into={of_before}")
    assert "Yes: the copy was upgraded" in text
    assert AFTER in text
    assert "migrating: " in text
    assert "The audit logs are as they were written: " in text
    assert AFTER in upgrade.pending()
    assert leftovers(of_before) == []


def test_what_a_killed_rehearsal_left_is_gone_with_the_next(of_before: Path):
    """With PostgreSQL it would stand in the way for good: in a container each process has the same number."""
    of_before.mkdir(exist_ok=True)
    place = of_before / f".{scratch.PREFIX}-killed"
    place.mkdir()
    (place / "database.sqlite3").write_bytes(b"everybody's data")
    os.utime(place, (0, 0))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for number in (os.getpid(), 1):
                cursor.execute(f"CREATE DATABASE {scratch.PREFIX}_{number} TEMPLATE template0")
        shutil.rmtree(place)
    assert "Yes: the copy was upgraded" in run("--rehearse", f"--into={of_before}")
    assert leftovers(of_before) == []


def test_it_is_upgraded_once_the_copy_was(of_before: Path):
    text = run(f"--into={of_before}")
    assert "Upgraded: " in text
    assert upgrade.pending() == []
    assert "nothing to migrate" in run(f"--into={of_before}")


def test_no_and_why_where_a_migration_fails(of_before: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a column is in the way")

    monkeypatch.setattr(MigrationExecutor, "apply_migration", fails)
    for arguments in (["--rehearse"], []):
        with pytest.raises(CommandError, match=r"No: .*a column is in the way"):
            run(*arguments, f"--into={of_before}")
    monkeypatch.undo()
    assert AFTER in upgrade.pending()
    assert leftovers(of_before) == []


def test_no_where_the_audit_log_is_not_whole(of_before: Path, alice: Any):
    with every_organization("the test writes behind the program's back"):
        AuditLink.objects.filter(organization=alice.organization, position=2).update(event_hash="0" * 64)
    trial = upgrade.rehearse(services.take(of_before))
    assert "position 2" in trial.problem


def test_no_where_a_migration_loses_what_was_there(of_before: Path, monkeypatch: pytest.MonkeyPatch):
    backup = services.take(of_before)

    def loses(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE activity_auditchain SET position = position + 1")

    monkeypatch.setattr(upgrade, "_read_every_model", loses)
    assert "positions of the audit chains" in upgrade.rehearse(backup).problem


def test_a_damaged_backup_is_no_answer(of_before: Path):
    backup = services.take(of_before)
    (backup / "SHA256SUMS").unlink()
    with pytest.raises(CommandError, match="SHA256SUMS"):
        run("--rehearse", f"--backup={backup}")


def test_what_does_not_go_together(tmp_path: Path):
    with pytest.raises(CommandError, match="Either"):
        run("--rehearse", "--skip-rehearsal")
    with pytest.raises(CommandError, match="--backup"):
        run(f"--backup={tmp_path}")


def test_a_scratch_database_is_gone_whatever_happens(tmp_path: Path):
    def restore() -> None:
        with scratch.database(tmp_path):
            assert connection.introspection.table_names() == []
            raise InvalidBackup("as a restore does")

    with pytest.raises(InvalidBackup):
        restore()
    assert leftovers(tmp_path) == []
    assert "accounts_user" in connection.introspection.table_names()
