"""The doctor names each fault by one run of its checks, and says what to do."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from activity.doctor import queries
from activity.doctor.checks import Status
from activity.models import Event, Heartbeat, Installation
from core import clock, health
from core.tenancy import every_organization, organization_scope
from messaging.models import Arrival, Channel, Mailbox
from tests.fakes.tls import tls_server, write_certificate

pytestmark = pytest.mark.django_db

GOOD, WARNING, FAILED, UNKNOWN = Status.GOOD, Status.WARNING, Status.FAILED, Status.UNKNOWN


def test_without_a_fault_nothing_is_wrong(lines: Any):
    lines("worker")
    with every_organization("the test asks as the operator does"):
        report = queries.installation()
    wrong = [line for finding in report.findings for line in finding.lines if line.status in (WARNING, FAILED)]
    assert wrong == []


@pytest.mark.parametrize(
    ("heartbeat", "check", "sentence", "advice"),
    [
        (Heartbeat.Name.CANARY, "worker", "Silent for 300 s. Nothing is sent", "Start a worker"),
        (Heartbeat.Name.BEAT, "beat", "Silent for 300 s. Workers look", "Start the beat"),
    ],
)
def test_a_worker_and_a_beat_that_are_silent(line: Any, heartbeat: str, check: str, sentence: str, advice: str):
    last = timezone.now() - timedelta(minutes=5)
    Heartbeat.objects.filter(name=heartbeat).update(beat_at=last)
    found = line(check)
    assert (found.status, found.since) == (FAILED, last)
    assert found.message.startswith(sentence)
    assert found.to_do.startswith(advice)


def test_one_that_was_never_reported_is_unknown(line: Any):
    Heartbeat.objects.all().delete()
    assert (line("worker").status, line("beat").status) == (UNKNOWN, UNKNOWN)


def test_a_broker_that_can_not_be_reached(line: Any, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = line("broker")
    assert found.status == FAILED
    assert "Can’t be reached" in found.message
    assert "REDIS_URL" in found.to_do


def test_signals_that_do_not_pass(line: Any, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert line("live").status == WARNING


def test_a_queue_that_stands_still(lines: Any, alice: Any):
    waiting_since = timezone.now() - timedelta(minutes=4)
    with every_organization("the test's clock is everybody's"):
        count = Event.objects.update(due_at=waiting_since)
    found = {line.key: line for line in lines("queues")}
    assert found["events"].status == FAILED
    assert found["events"].message == f"Stands still: {count} due, the oldest for 4 min."
    assert found["events"].since == waiting_since
    assert "whether a worker runs" in found["events"].to_do
    assert {one.status for key, one in found.items() if key != "events"} == {GOOD}
    assert {"events", "jobs", "inbound", "outbound", "unconfirmed", "mailboxes", "files"} <= set(found)


def test_a_queue_that_is_only_behind_is_a_warning_first(lines: Any, alice: Any, box: Mailbox):
    def after(minutes: int) -> Status:
        with organization_scope(alice.organization):
            Mailbox.objects.update(due_at=timezone.now() - timedelta(minutes=minutes))
        return next(line.status for line in lines("queues") if line.key == "mailboxes")

    assert [after(1), after(3), after(11)] == [GOOD, WARNING, FAILED]


def test_what_was_set_aside(lines: Any, alice: Any):
    Arrival.objects.create(
        key="odd", provider="simulator", kind="sms", type="message", body=b"?", state=Arrival.State.SET_ASIDE,
    )  # fmt: skip
    (found,) = lines("set aside")
    assert (found.status, found.key) == (WARNING, "arrivals")
    assert found.message.startswith("1 inbound deliveries were set aside")
    assert "replay" in found.to_do
    assert found.url.endswith("/admin/messaging/arrival/?state__exact=set_aside")
    with organization_scope(alice.organization):
        Event.objects.update(dispatch_state=Event.DispatchState.SET_ASIDE)
    assert [line.key for line in lines("set aside")] == ["arrivals", "events"]


def test_a_channel_that_fails(line: Any, alice: Any):
    since = timezone.now() - timedelta(hours=1)
    with organization_scope(alice.organization):
        channel = Channel.objects.order_by("pk").first()
        Channel.objects.filter(pk=channel.pk).update(last_error="20003: Wrong token.", last_error_at=since)
    found = line("channels")
    assert (found.status, found.since) == (FAILED, since)
    assert found.label == f"Harbour Clinic, {channel.name}"
    assert found.message.startswith("20003: Wrong token.")
    assert "what to correct" in found.to_do


@pytest.fixture
def box(alice: Any) -> Mailbox:
    with organization_scope(alice.organization):
        channel = Channel.objects.get(kind="email")
        return Mailbox.objects.create(
            organization=alice.organization, channel=channel, due_at=timezone.now(), checked_at=timezone.now()
        )


@pytest.mark.parametrize(("minutes", "status"), [(1, GOOD), (9, WARNING), (40, FAILED)])
def test_a_mailbox_that_lags(line: Any, box: Mailbox, minutes: int, status: Status):
    checked = timezone.now() - timedelta(minutes=minutes)
    with every_organization("the test's clock is everybody's"):
        Mailbox.objects.update(checked_at=checked, last_error="The server is away.")
    found = line("mailboxes")
    assert found.status == status
    if status != GOOD:
        assert found.message == f"Not looked at for {minutes} min. The server is away."
        assert found.since == checked
        assert "Mail waits at the server" in found.to_do


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("total", "free", "status"),
    [(100e9, 50e9, GOOD), (4000e9, 300e9, GOOD), (100e9, 8e9, WARNING), (3e9, 0.9e9, WARNING), (100e9, 2e9, FAILED)],
)
def test_a_disk_that_is_nearly_full(line: Any, monkeypatch: Any, total: float, free: float, status: Status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(int(total), int(total - free), int(free)))
    found = line("disk")
    assert found.status == status
    if status != GOOD:
        assert found.message == f"Only {round(100 * free / total)} % of the disk is free, {free / 1e9:.1f} GB."
        assert "Make room" in found.to_do


@pytest.mark.parametrize(
    ("days", "status", "sentence"),
    [
        (60, GOOD, "The certificate of localhost is good for 60 more days."),
        (10, WARNING, "The certificate of localhost ends in 10 days."),
        (2, FAILED, "The certificate of localhost ends in 2 days."),
        (-5, FAILED, "The certificate of localhost is not valid: certificate has expired."),
    ],
)
def test_a_certificate_that_ends(
    line: Any, settings: Any, monkeypatch: Any, tmp_path: Path, days: int, status: Status, sentence: str
):
    certificate = write_certificate(tmp_path / "tls.pem", days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_server(certificate) as port:
        settings.PUBLIC_BASE_URL = f"https://localhost:{port}"
        found = line("certificate")
    assert (found.status, found.message) == (status, sentence)
    assert (found.to_do == "") is (status == GOOD)


def test_a_certificate_that_nobody_vouches_for(line: Any, settings: Any, tmp_path: Path):
    with tls_server(write_certificate(tmp_path / "tls.pem", days=60)) as port:
        settings.PUBLIC_BASE_URL = f"https://localhost:{port}"
        assert line("certificate").status == line("public address").status == FAILED
        assert "is not valid: self-signed certificate" in line("public address").message


@pytest.mark.parametrize(("url", "status"), [("http://localhost:1", GOOD), ("http://crm.example.com", WARNING)])
def test_an_address_without_tls(line: Any, settings: Any, url: str, status: Status):
    settings.PUBLIC_BASE_URL, settings.DEBUG = url, False
    assert (line("certificate").status, "begins with http://" in line("certificate").message) == (status, True)


class Stranger(BaseHTTPRequestHandler):
    """Somebody else's web server, or a proxy that is set wrongly."""

    answer = (200, "", b'{"status": "ok"}')

    def do_GET(self) -> None:
        status, target, body = self.answer
        self.send_response(status)
        if target:
            self.send_header("Location", target)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "sentence", "advice"),
    [
        ((200, "", b'{"status": "ok"}'), "it is not this installation", "Correct PUBLIC_BASE_URL"),
        ((200, "", b"[1]"), "it is not this installation", "Correct PUBLIC_BASE_URL"),
        ((301, "https://crm.example.com/health?nonce=1", b""), "leads on to https://crm.example.com/health.", "https"),
        ((400, "", b"Bad Request"), "answers with status 400", "ALLOWED_HOSTS"),
    ],
)
def test_a_public_address_that_is_wrong(line: Any, settings: Any, answer: Any, sentence: str, advice: str):
    with HTTPServer(("127.0.0.1", 0), type("Answer", (Stranger,), {"answer": answer})) as server:
        Thread(target=server.handle_request, daemon=True).start()
        settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{server.server_port}"
        found = line("public address")
    assert found.status == FAILED
    assert sentence in found.message
    assert advice in found.to_do


def test_a_public_address_that_can_not_be_reached(line: Any, settings: Any):
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:1"
    found = line("public address")
    assert found.status == FAILED
    assert "can’t be reached from here" in found.message
    assert "Webhooks come by this address" in found.to_do


def test_a_public_address_that_is_ours(line: Any, settings: Any, live_server: Any):
    settings.PUBLIC_BASE_URL = live_server.url
    settings.DEBUG = True
    assert line("public address").status == GOOD
    settings.DEBUG = False
    assert line("public address").message.endswith(
        "answers on this machine only: providers and customers can’t reach it."
    )


def test_a_database_that_does_not_answer(line: Any, monkeypatch: Any):
    def away() -> str:
        raise OperationalError("connection to 10.0.0.7 refused")

    monkeypatch.setattr(health, "database_answers", away)
    found = line("database")
    assert found.status == FAILED
    assert found.message.startswith("Can’t be asked (OperationalError).")
    assert "DATABASE_URL" in found.to_do


def test_migrations_that_are_missing(line: Any):
    MigrationRecorder(connection).record_unapplied("activity", "0005_scim_actor")
    found = line("migrations")
    assert found.status == FAILED
    assert found.message == "1 migrations were not applied, the first is activity.0005_scim_actor."
    assert "manage.py prepare" in found.to_do


def test_a_clock_that_is_off(line: Any, monkeypatch: Any):
    monkeypatch.setattr(clock, "_drift", timedelta(seconds=-95))
    found = line("clock")
    assert (found.status, found.message) == (FAILED, "This machine’s clock is -95 s off the database’s.")
    assert "NTP" in found.to_do


def test_a_restored_copy(line: Any):
    since = timezone.now() - timedelta(hours=2)
    Installation.objects.create(pk=1, advanced_at=since, held_since=since, held_why="the database is older")
    found = line("restored copy")
    assert (found.status, found.since) == (FAILED, since)
    assert "Nothing leaves" in found.message
    assert found.url == "/admin/activity/installation/"


def test_mail_that_is_not_taken(line: Any, settings: Any):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    found = line("system mail")
    assert found.status == FAILED
    assert "does not take our mail: ConnectionRefusedError" in found.message
    assert "EMAIL_URL" in found.to_do


def test_a_check_that_raises_is_a_failed_line_without_the_error_s_text(line: Any, monkeypatch: Any):
    def broken(path: object) -> None:
        raise OSError("/srv/secret/place")

    monkeypatch.setattr(shutil, "disk_usage", broken)
    found = line("disk")
    assert (found.status, found.message) == (FAILED, "The check itself failed: OSError")
