"""The daily backup: when, which are kept, and what the doctor says of them."""

from __future__ import annotations

import fcntl
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.credentials import api_keys
from activity.doctor.checks import Status
from crm_project.backups import daily, services
from crm_project.backups.manifest import InvalidBackup

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)


def backup(age: timedelta, rehearsal: Any = None) -> Any:
    made_at = NOW - age
    return SimpleNamespace(
        path=Path(f"/b/{made_at:%Y%m%d%H}"), manifest=SimpleNamespace(made_at=made_at), rehearsal=rehearsal
    )


@pytest.fixture
def now(monkeypatch: Any) -> datetime:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return NOW


WELL = daily.Rehearsal("2026-11-30", "")
BROKEN = daily.Rehearsal("2026-11-30", "damaged")


def test_all_of_a_week_are_kept_and_one_of_each_of_five_weeks_before(now: datetime):
    every = [backup(timedelta(days=number)) for number in range(80)]
    gone = {(NOW - one.manifest.made_at).days for one in daily.superfluous(every)}
    kept = [number for number in range(80) if number not in gone]
    assert kept[:8] == list(range(8))
    assert len(kept) == 8 + 5
    assert max(kept) <= 7 + 5 * 7


def test_the_newest_that_could_be_restored_is_kept_however_old(now: datetime):
    every = [backup(timedelta(days=number), BROKEN) for number in range(3)]
    every += [backup(timedelta(days=200), WELL), backup(timedelta(days=201), WELL)]
    assert [one.path for one in daily.superfluous(every)] == [every[-1].path]


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACKUP_DIR = str(tmp_path / "backups")
    return tmp_path / "backups"


@pytest.mark.django_db(transaction=True)
def test_one_is_taken_a_day_and_rehearsed(folder: Path, monkeypatch: Any):
    assert [daily.run(), daily.run()] == [1, 0]
    (one,) = daily.every(folder)
    assert one.rehearsal.problem == ""
    tomorrow = timezone.now() + timedelta(hours=24)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert daily.run() == 1
    assert len(daily.every(folder)) == 2
    (line,) = daily.check()
    assert line.status == Status.GOOD
    assert line.message.endswith("written. 2 are kept.")


def test_without_a_folder_none_is_taken(settings: Any):
    settings.BACKUP_DIR, settings.DEBUG = "", False
    assert daily.run() == 0
    (line,) = daily.check()
    assert (line.status, line.message) == (Status.WARNING, "No daily backup is taken.")


def test_two_workers_do_not_take_it_at_once(folder: Path):
    folder.mkdir()
    with (folder / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        assert daily.run() == 0
    assert daily.every(folder) == []


@pytest.mark.parametrize(
    ("age", "rehearsal", "status", "sentence"),
    [
        (1, WELL, Status.GOOD, "a rehearsal restored it"),
        (1, None, Status.WARNING, "was not rehearsed"),
        (1, BROKEN, Status.FAILED, "could not be restored: damaged"),
        (40, WELL, Status.WARNING, "The newest is of"),
        (80, WELL, Status.FAILED, "The newest is of"),
    ],
)
def test_the_doctor_says_how_they_are(
    folder: Path, now: datetime, monkeypatch: Any, age: int, rehearsal: Any, status: Status, sentence: str
):
    monkeypatch.setattr(daily, "every", lambda folder: [backup(timedelta(hours=age), rehearsal)])
    (line,) = daily.check()
    assert line.status == status
    assert sentence in line.message
    assert bool(line.to_do) is (status != Status.GOOD)


def test_none_yet_is_unknown(folder: Path):
    (line,) = daily.check()
    assert line.status == Status.UNKNOWN


def test_a_rehearsal_that_fails_is_noted(folder: Path, monkeypatch: Any):
    folder.mkdir()

    def broken(path: Path) -> None:
        raise InvalidBackup("x is damaged.")

    monkeypatch.setattr(services, "rehearse", broken)
    assert daily.rehearse(folder).problem == "x is damaged."
    assert daily._rehearsal_of(folder).problem == "x is damaged."
    shutil.rmtree(folder)


def operator_of(person: Any) -> Any:
    person.user.is_superuser = person.user.is_staff = True
    person.user.save()
    return person


URLS = ("/api/v1/admin/backups", "/admin/backups/")


@pytest.mark.django_db
def test_only_superusers_see_and_take_them(folder: Path, alice: Any):
    assert [alice.api.get(URLS[0]).status_code, alice.api.post(URLS[0]).status_code] == [403, 403]
    alice.user.is_staff = True
    alice.user.save()
    assert [alice.client.get(URLS[1]).status_code, alice.client.post(URLS[1]).status_code] == [403, 403]
    assert not (folder / daily.REQUESTED).exists()


@pytest.mark.django_db
def test_a_key_of_a_superuser_does_not(folder: Path, alice: Any):
    operator_of(alice)
    _key, secret = api_keys.issue(member=alice.member, name="robot", actor=alice.actor)
    assert APIClient().get(URLS[0], headers={"X-API-Key": secret}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_one_is_taken_when_it_is_asked_for_and_listed_with_its_rehearsal(folder: Path, alice: Any):
    operator_of(alice)
    assert daily.run() == 1
    assert alice.api.post(URLS[0]).status_code == 202
    assert [daily.run(), daily.run()] == [1, 0]
    newest, older = alice.api.get(URLS[0]).json()["results"]
    assert newest["made_at"] > older["made_at"]
    assert (newest["rehearsal"]["problem"], newest["missing"]) == ("", [])
    assert newest["rows"] > 10
    page = alice.client.get(URLS[1]).content.decode()
    assert newest["name"] in page
    assert "Could be restored" in page
    assert alice.client.post(URLS[1]).status_code == 302
    assert daily.run() == 1


@pytest.mark.django_db
def test_without_a_folder_it_is_refused(settings: Any, alice: Any):
    settings.BACKUP_DIR = ""
    operator_of(alice)
    answer = alice.api.post(URLS[0])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "conflict")
    assert alice.api.get(URLS[0]).json() == {"results": []}
    assert "set BACKUP_DIR to a folder" in alice.client.get(URLS[1]).content.decode()
    page = alice.client.post(URLS[1], follow=True).content.decode()
    assert "Backups have no place" in page
