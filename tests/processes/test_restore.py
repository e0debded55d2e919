"""The restore drill, as an operator does it: a backup into an empty place, from which nothing leaves."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as all_settings
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from core.tenancy import organization_scope
from crm_project.backups import services
from messaging.delivery import queue as outbound
from messaging.models import MediaFile

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = "parley_restore_drill"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an empty installation."""
    data = tmp_path / "new"
    environment = {
        "PATH": os.environ["PATH"], "DEBUG": "true", "DATA_DIR": str(data), "ENV_FILE": os.devnull,
        "SECRET_KEY": all_settings.SECRET_KEY, "ENCRYPTION_KEYS": ",".join(all_settings.ENCRYPTION_KEYS),
    }  # fmt: skip
    if connection.vendor != "postgresql":
        yield environment
        return
    own = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {SCRATCH}")
        cursor.execute(f"CREATE DATABASE {SCRATCH}")
    who = f"{quote(own['USER'])}{':' + quote(own['PASSWORD']) if own['PASSWORD'] else ''}"
    address = f"postgres://{who}@{own['HOST'] or 'localhost'}:{own['PORT'] or 5432}/{SCRATCH}"
    try:
        yield environment | {"DATABASE_URL": address}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")


def manage(environment: dict[str, str], *words: str) -> tuple[int, str]:
    line = [sys.executable, "manage.py", *words]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def ask(environment: dict[str, str], query: str) -> Any:
    if "DATABASE_URL" in environment:
        import psycopg

        with psycopg.connect(environment["DATABASE_URL"]) as database:
            return database.execute(query).fetchone()[0]
    with closing(sqlite3.connect(Path(environment["DATA_DIR"]) / "parley.sqlite3")) as database:
        return database.execute(query).fetchone()[0]


def test_a_restored_backup_has_everything_and_sends_nothing(
    alice: Any, make_conversation: Any, place: dict[str, str], settings: Any, tmp_path: Path
):
    settings.MEDIA_ROOT = tmp_path / "media"
    with organization_scope(alice.organization):
        message = outbound.queue_message(
            conversation=make_conversation(kind="sms"), body="Your visit is at 9.", actor=alice.actor
        )
        file = MediaFile.objects.create(
            organization=alice.organization, content=ContentFile(b"a picture", name="x"), name="x", size=9,
            content_type="image/png",
        )  # fmt: skip
        # Due a moment after the backup is made: by the restore the original has sent it.
        type(message).objects.update(due_at=timezone.now() + timedelta(seconds=1))
    backup = services.take(tmp_path / "backups")

    other_key = {**place, "ENCRYPTION_KEYS": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXIhISE="}
    code, text = manage(other_key, "restore", str(backup))
    assert (code, "None of ENCRYPTION_KEYS is one of the backup’s" in text) == (1, True), text

    code, text = manage(place, "restore", str(backup))
    assert code == 0, text
    assert "1 messages became due after the backup was made" in text
    assert "Nothing leaves until you decide" in text
    assert ask(place, "SELECT count(*) FROM messaging_message WHERE status = 'queued'") == 1
    assert ask(place, "SELECT held_since IS NOT NULL FROM activity_installation")
    assert (Path(place["DATA_DIR"]) / "media" / file.content.name).read_bytes() == b"a picture"
    if "DATABASE_URL" in place:
        assert ask(
            place, "SELECT nextval(pg_get_serial_sequence('django_migrations', 'id')) > max(id) FROM django_migrations"
        )

    code, text = manage(place, "restore", str(backup))
    assert (code, "is not empty" in text) == (1, True), text
