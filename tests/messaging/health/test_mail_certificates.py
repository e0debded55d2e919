"""The certificates of channels' mail servers, asked over real TLS; nobody signs in."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activity.doctor import queries
from activity.doctor.checks import Status
from activity.models import OrganizationCheck
from core.tenancy import every_organization, organization_scope
from messaging.health import certificates
from messaging.models import Channel
from tests.fakes.imap import scripted_mailbox
from tests.fakes.smtp import MailServer, mail_server
from tests.fakes.tls import write_certificate

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def trusted(settings: Any, tmp_path: Path, monkeypatch: Any) -> Path:
    settings.PROVIDER_TIMEOUT_SECONDS, settings.MAIL_ALLOWED_HOSTS = 2, ["*"]
    path = write_certificate(tmp_path / "tls.pem", days=10)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.fixture
def tls(trusted: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted)
    return context


@pytest.fixture
def server(tls: ssl.SSLContext) -> Iterator[MailServer]:
    with mail_server(starttls=tls, has_sign_in=True) as running:
        yield running


def set_up(person: Any, port: int, **values: Any) -> Channel:
    credentials = {"host": "localhost", "port": port, "username": "front", "password": "not-the-right-one", **values}
    with organization_scope(person.organization):
        return Channel.objects.create(
            organization=person.organization, kind="email", provider="smtp", name="Front desk",
            address="front@harbour.example", credentials=credentials,
        )  # fmt: skip


def seen_by(person: Any) -> list[Any]:
    with organization_scope(person.organization):
        return queries.stored_of_organization(certificates.NAME)


def test_a_mail_servers_certificate_that_ends_is_reported_to_its_organization_alone(
    alice: Any, charlie: Any, server: MailServer
):
    set_up(alice, server.port)
    (line,) = certificates.ask_all()
    assert (line.status, line.label) == (Status.WARNING, "Harbour Clinic, Front desk: localhost")
    assert line.message == "The certificate of localhost ends in 10 days."
    (own,) = seen_by(alice)
    assert (own.label, own.status) == ("Front desk: localhost", Status.WARNING)
    assert own.to_do.startswith("Renew it")
    assert seen_by(charlie) == []


def test_the_server_for_incoming_mail_is_asked_too(alice: Any, tls: ssl.SSLContext):
    with mail_server(tls=tls) as out, scripted_mailbox({"GREETING": [b"<encrypt>", b"* OK ready\r\n"]}, tls=tls) as box:
        set_up(alice, out.port, use_ssl="true", imap_host="127.0.0.1", imap_port=box.port)
        certificates.ask_all()
        assert box.lines[-1:] != []
        assert not any("LOGIN" in line for line in box.lines)
    assert [(line.label, line.status) for line in seen_by(alice)] == [
        ("Front desk: 127.0.0.1", Status.WARNING),
        ("Front desk: localhost", Status.WARNING),
    ]


def test_one_that_nobody_vouches_for_has_failed(alice: Any, server: MailServer, monkeypatch: Any):
    monkeypatch.delenv("SSL_CERT_FILE")
    set_up(alice, server.port)
    (line,) = certificates.ask_all()
    assert line.status == Status.FAILED
    assert "self-signed certificate" in line.message


def test_a_server_that_is_away_says_nothing_of_its_certificate(alice: Any):
    set_up(alice, 1)
    assert [line.status for line in certificates.ask_all()] == [Status.GOOD]
    (own,) = seen_by(alice)
    assert own.status == Status.UNKNOWN
    assert "ConnectionRefusedError" in own.message


def test_the_line_goes_with_the_channel(alice: Any, server: MailServer):
    channel = set_up(alice, server.port)
    certificates.ask_all()
    with organization_scope(alice.organization):
        Channel.objects.filter(pk=channel.pk).update(is_enabled=False)
    certificates.ask_all()
    with every_organization("the test looks at all"):
        assert not OrganizationCheck.objects.exists()


def test_who_was_asked_longest_ago_is_next(alice: Any, monkeypatch: Any):
    asked: list[str] = []
    monkeypatch.setattr(certificates, "MAX_CHANNELS", 2)
    with organization_scope(alice.organization):
        for number in range(3):
            Channel.objects.create(
                organization=alice.organization, kind="email", provider="smtp", name=f"Box {number}",
                address=f"{number}@harbour.example", credentials={"host": "localhost", "port": 1},
            )  # fmt: skip
    ask = certificates._ask

    def noted(channel: Channel) -> None:
        asked.append(channel.name)
        ask(channel)

    monkeypatch.setattr(certificates, "_ask", noted)
    certificates.ask_all()
    certificates.ask_all()
    assert asked[:2] == ["Box 0", "Box 1"]
    assert asked[2] == "Box 2"
