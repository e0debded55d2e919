"""Upgrading over the squashed migrations: what has them all has nothing to do, what has some of them is refused."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import pre_migrate

pytestmark = pytest.mark.django_db

SQUASHED = MigrationLoader(None).replacements
APPS = ["accounts", "activity", "customers", "messaging"]


@pytest.fixture
def recorder() -> MigrationRecorder:
    """The records of a database that was migrated before the squashed migrations were there."""
    recorder = MigrationRecorder(connection)
    for app, name in SQUASHED:
        recorder.record_unapplied(app, name)
        for replaced in SQUASHED[app, name].replaces:
            if replaced not in recorder.applied_migrations():
                recorder.record_applied(*replaced)
    return recorder


def test_each_app_has_one_squashed_migration():
    assert sorted(app for app, _ in SQUASHED) == APPS


def test_a_database_of_before_has_nothing_to_do(recorder):
    planned = []

    def note(plan, **_):
        planned.append(plan)

    before = set(recorder.applied_migrations())
    tables = connection.introspection.table_names()
    out = io.StringIO()
    pre_migrate.connect(note)
    try:
        call_command("migrate", stdout=out, no_color=True)
    finally:
        pre_migrate.disconnect(note)

    assert "No migrations to apply." in out.getvalue()
    assert planned
    assert not any(planned)
    assert set(recorder.applied_migrations()) == before | set(SQUASHED)
    assert connection.introspection.table_names() == tables


def test_a_database_of_today_has_nothing_to_do():
    out = io.StringIO()
    call_command("migrate", stdout=out, no_color=True)
    assert "No migrations to apply." in out.getvalue()


@pytest.mark.parametrize("app", APPS)
def test_a_database_with_some_of_them_is_refused(recorder, app):
    (squashed,) = (migration for key, migration in SQUASHED.items() if key[0] == app)
    *_, last = squashed.replaces
    recorder.record_unapplied(*last)
    before = recorder.applied_migrations()

    with pytest.raises(CommandError, match=f"it has not had {last[0]}.{last[1]}. Upgrade to commit [0-9a-f]{{7}} "):
        call_command("migrate", verbosity=0)

    assert set(recorder.applied_migrations()) == set(before)


def test_every_app_that_lags_is_named(recorder):
    for app in APPS:
        (squashed,) = (migration for key, migration in SQUASHED.items() if key[0] == app)
        recorder.record_unapplied(*squashed.replaces[-1])
    with pytest.raises(CommandError) as refused:
        call_command("migrate", verbosity=0)
    assert all(f"{app}.0" in str(refused.value) for app in APPS)
