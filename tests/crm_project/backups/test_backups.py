"""A backup is one moment of the database with every file that its rows name; a rehearsal finds what is wrong."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as all_settings
from django.db import connection

from activity.audit import sealing
from activity.models import AuditLink
from core.tenancy import every_organization, organization_scope
from crm_project.backups import files, services
from crm_project.backups.manifest import MANIFEST, SUMS, InvalidBackup, digest_of, read
from messaging.models import MediaFile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backup(add_file: Any, tmp_path: Path) -> Path:
    add_file()
    return services.take(tmp_path / "backups")


def test_it_holds_all_rows_and_files_and_no_key(backup: Path, media: Path):
    manifest = services.rehearse(backup).manifest
    with every_organization("the test counts all"):
        file = MediaFile.objects.get()
    assert manifest.tables["messaging_mediafile"].rows == 1
    assert manifest.missing == []
    assert manifest.marks["newest event"] != "None"
    assert (backup / "media" / file.content.name).read_bytes() == b"a picture"
    assert backup.stat().st_mode & 0o077 == 0
    secrets = [all_settings.SECRET_KEY, *all_settings.ENCRYPTION_KEYS]
    for path in files.below(backup):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path


def test_a_file_that_is_deleted_afterwards_stays_in_it(backup: Path, media: Path):
    for path in list(files.below(media)):
        path.unlink()
    services.rehearse(backup)


def test_under_load_no_row_is_without_its_file_and_no_reference_dangles(add_file: Any, alice: Any, tmp_path: Path):
    over = threading.Event()
    counted = []

    def work() -> None:
        while not over.is_set():
            for _ in range(3):
                add_file()
            with organization_scope(alice.organization):
                oldest = MediaFile.objects.order_by("created_at").first()
                oldest.delete()
                oldest.content.storage.delete(oldest.content.name)
            counted.append(1)
        connection.close()

    # What is deleted is what has been there for a while, as with us.
    for _ in range(10):
        add_file()
    worker = threading.Thread(target=work)
    worker.start()
    try:
        taken: list[Path] = []
        while worker.is_alive() and (len(taken) < 3 or len(counted) < 4):
            taken.append(services.take(tmp_path / "backups"))
    finally:
        over.set()
        worker.join()
    for path in taken:
        assert services.rehearse(path).manifest.missing == []
    assert len(counted) >= 4


def test_a_file_that_was_not_there_is_noted(add_file: Any, media: Path, tmp_path: Path):
    gone = add_file()
    gone.content.storage.delete(gone.content.name)
    backup = services.take(tmp_path / "backups")
    assert read(backup).missing == [gone.content.name]
    services.rehearse(backup)


def test_a_backup_that_fails_leaves_nothing(add_file: Any, tmp_path: Path, monkeypatch: Any):
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_sums", full)
    with pytest.raises(OSError, match="No space left"):
        services.take(tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def sign_anew(backup: Path) -> None:
    """As if the backup had been made like this."""
    (backup / MANIFEST).rename(backup.parent / MANIFEST)
    files.write_sums(backup)
    data = json.loads((backup.parent / MANIFEST).read_text())
    (backup / MANIFEST).write_text(json.dumps(data | {"sums": digest_of(backup / SUMS)}))


def a_file(backup: Path) -> Path:
    return next(files.below(backup / "media"))


def damaged(backup: Path) -> None:
    path = a_file(backup)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"!")


def with_other_digests(backup: Path) -> None:
    (backup / SUMS).write_text("")


def without_a_file(backup: Path) -> None:
    a_file(backup).unlink()
    sign_anew(backup)


def without_rows(backup: Path, table: str) -> None:
    if connection.vendor == "postgresql":
        (backup / "database" / f"{table}.copy.gz").write_bytes(gzip.compress(b""))
    else:
        with closing(sqlite3.connect(backup / "database" / "database.sqlite3")) as database:
            database.execute(f"DELETE FROM {table}")
            database.commit()
    sign_anew(backup)


def with_another_mark(backup: Path) -> None:
    data = json.loads((backup / MANIFEST).read_text())
    data["marks"]["newest event"] = "2001-01-01"
    (backup / MANIFEST).write_text(json.dumps(data))


SPOILED: list[tuple[Callable[[Path], None], str]] = [
    (damaged, r"media/messages/.* is missing or damaged"),
    (with_other_digests, "SHA256SUMS"),
    (without_a_file, "1 files that rows name are missing"),
    (lambda backup: without_rows(backup, "messaging_channel"), "points to a row of messaging_channel that is not"),
    (lambda backup: without_rows(backup, "messaging_mediafile"), "messaging_mediafile has other rows"),
    (with_another_mark, r"The newest event is of .*, and the backup says 2001-01-01"),
]


def test_what_is_wrong_with_a_backup_is_found_and_named(backup: Path, tmp_path: Path):
    """All in one: each test of its own would empty the whole database."""
    before = read(backup).tables
    for number, (spoil, words) in enumerate(SPOILED):
        copy = tmp_path / f"{number}" / backup.name
        shutil.copytree(backup, copy)
        spoil(copy)
        with pytest.raises(InvalidBackup, match=words):
            services.rehearse(copy)
    services.rehearse(backup)
    assert read(services.take(backup.parent)).tables == before
    with pytest.raises(InvalidBackup, match="The database is not empty"):
        services.restore(backup)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', "[]"])
def test_what_is_no_backup_is_reported(tmp_path: Path, content: str):
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(InvalidBackup):
        services.rehearse(tmp_path)


def test_every_link_of_the_audit_log_is_checked(alice: Any, add_file: Any, tmp_path: Path):
    add_file()
    with every_organization("the test seals"):
        sealing.seal(alice.organization.pk)
        links = list(AuditLink.objects.filter(organization=alice.organization).order_by("position"))
    chains = services.rehearse(services.take(tmp_path / "good")).chains
    assert chains is not None
    assert (chains.count, chains.entries) == (1, len(links))
    assert len(links) > 3
    # In the middle: where the chain ends, how many rows there are and the newest of everything stay as they were.
    with every_organization("the test writes behind the program's back"):
        AuditLink.objects.filter(pk=links[2].pk).update(event_hash="0" * 64)
    with pytest.raises(InvalidBackup, match="link_changed at position 3"):
        services.rehearse(services.take(tmp_path / "bad"))
    # Nothing of it stays, and this thread is where it was.
    with every_organization("the test looks"):
        assert AuditLink.objects.filter(organization=alice.organization).count() == len(links)


def test_the_audit_log_is_left_out_without_the_keys(alice: Any, add_file: Any, settings: Any, tmp_path: Path):
    add_file()
    backup = services.take(tmp_path / "backups")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert services.rehearse(backup).chains is None
