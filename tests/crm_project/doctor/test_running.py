"""Rounds of checks: what is kept, since when something is so, and who is notified of what failed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from activity.doctor import checks, queries, services
from activity.doctor.checks import Check, Line, Status, failed, good, warning
from activity.models import Heartbeat, InstallationCheck
from crm_project.doctor import running

pytestmark = pytest.mark.django_db


class Thing:
    """What a check is about, as the test sets it."""

    def __init__(self) -> None:
        self.line = good("It is %(how)s.", how="well")
        self.asked = 0

    def lines(self) -> list[Line]:
        self.asked += 1
        return [self.line]


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture(autouse=True)
def only(monkeypatch: Any, thing: Thing) -> None:
    """One check instead of all."""
    registry = checks.CHECKS.copy()
    for name in registry.names():
        registry.unregister(name)
    check = Check(name="thing", label="Thing", group="outside", run=thing.lines, is_quick=False)
    registry.register(check)
    for module in (checks, services, queries):
        monkeypatch.setattr(module, "CHECKS", registry)


def later(monkeypatch: Any, **ahead: float) -> None:
    now = timezone.now() + timedelta(**ahead)
    monkeypatch.setattr(timezone, "now", lambda: now)


def kept() -> InstallationCheck:
    return InstallationCheck.objects.get()


def shown() -> Line:
    (finding,) = queries.installation().findings
    return finding.lines[0]


def test_since_moves_with_the_status_and_not_with_the_text(monkeypatch: Any, thing: Thing):
    services.run_due()
    first = kept().since
    later(monkeypatch, minutes=2)
    thing.line = good("It is %(how)s.", how="better")
    services.run_due()
    assert (kept().since, kept().values) == (first, {"how": "better"})
    thing.line = warning("It is slow.", "Wait.")
    later(monkeypatch, minutes=2)
    services.run_due()
    assert kept().since == timezone.now() > first
    assert (shown().message, shown().to_do, shown().since) == ("It is slow.", "Wait.", timezone.now())


def test_a_check_is_run_when_it_is_due_or_wanted(monkeypatch: Any, thing: Thing):
    assert [services.run_due(), services.run_due()] == [1, 0]
    services.request_checks()
    assert services.run_due() == 1
    later(monkeypatch, seconds=61)
    assert services.run_due() == 1


def test_lines_that_are_gone_are_not_kept(monkeypatch: Any, thing: Thing):
    services.run_due()
    thing.line = checks.about(good("Another."), "other")
    later(monkeypatch, minutes=2)
    services.run_due()
    assert kept().key == "other"


def test_a_result_that_nobody_renews_says_nothing(monkeypatch: Any):
    assert (shown().status, shown().message) == (Status.UNKNOWN, "Not checked yet.")
    services.run_due()
    assert shown().status == Status.GOOD
    later(monkeypatch, minutes=5)
    assert shown().status == Status.UNKNOWN
    assert "see whether one runs" in shown().to_do


@pytest.fixture
def operator(db: Any) -> User:
    User.objects.create_user("gone@parley.example", "a calm harbour at dawn", is_superuser=True, is_active=False)
    return User.objects.create_superuser("op@parley.example", "a calm harbour at dawn")


def test_the_administrators_of_the_installation_are_notified_once(
    monkeypatch: Any, thing: Thing, operator: User, alice: Any, mailoutbox: list[Any]
):
    thing.line = failed("It is broken.", "Mend it.")
    assert running.run() == 1
    assert mailoutbox == []  # it may be over in a moment
    for minutes in (1, 1, 1):
        later(monkeypatch, minutes=minutes)
        running.run()
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["op@parley.example"], "Parley: Thing has failed")
    assert "It is broken." in mail.body
    assert "Mend it." in mail.body
    assert "/admin/health/" in mail.body


def test_one_that_lasts_is_reported_again_after_a_day_and_one_that_comes_back_after_an_hour(
    monkeypatch: Any, thing: Thing, operator: User, mailoutbox: list[Any]
):
    def rounds(line: Line, **ahead: float) -> int:
        thing.line = line
        later(monkeypatch, **ahead)
        running.run()
        later(monkeypatch, minutes=2)
        running.run()
        return len(mailoutbox)

    broken = failed("It is broken.", "Mend it.")
    assert rounds(broken, minutes=0) == 1
    assert rounds(broken, hours=20) == 1
    assert rounds(broken, hours=5) == 2
    assert rounds(good("Well."), minutes=5) == 2
    assert rounds(broken, minutes=5) == 2
    assert rounds(good("Well."), hours=2) == 2
    assert rounds(broken, minutes=5) == 3


def test_a_mail_server_that_is_away_costs_nothing_else(monkeypatch: Any, thing: Thing, operator: User, settings: Any):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    thing.line = failed("It is broken.", "Mend it.")
    running.run()
    later(monkeypatch, minutes=2)
    assert running.run() == 1
    assert kept().reported_at is not None


def test_the_beat_does_it_where_no_worker_answers(monkeypatch: Any):
    rounds: list[float] = []
    monkeypatch.setattr(running, "_run_quietly", lambda: rounds.append(time.monotonic()))
    substitute = running.Substitute()
    Heartbeat.objects.beat(Heartbeat.Name.CANARY)
    assert substitute.look() is False
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert substitute.look() is True
    substitute._thread.join()
    assert substitute.look() is False  # once a minute
    later(monkeypatch, minutes=2)
    assert substitute.look() is True
    substitute._thread.join()
    assert len(rounds) == 2
