from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from messaging.channels.base import Account, Kind, OutgoingMessage
from tests.fakes.tls import write_certificate
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio

OUR_NUMBER = "+15005550006"
THEIR_NUMBER = "+15005550101"


@pytest.fixture
def twilio(settings) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_API_BASE_URL = fake.url
        settings.PROVIDER_TIMEOUT_SECONDS = 2
        yield fake


@pytest.fixture
def whatsapp_account() -> Account:
    return Account(
        channel_id="channel-1",
        kind=Kind.WHATSAPP,
        address=OUR_NUMBER,
        name="Clinic",
        credentials={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
    )


@pytest.fixture
def sms_account(whatsapp_account) -> Account:
    return Account(
        channel_id="channel-2",
        kind=Kind.SMS,
        address=OUR_NUMBER,
        name="Clinic",
        credentials=whatsapp_account.credentials,
    )


@pytest.fixture
def message() -> OutgoingMessage:
    return OutgoingMessage(id="0190a0a0-0000-7000-8000-000000000001", to=THEIR_NUMBER, body="Your visit is at 9.")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    """A certificate with its key for 127.0.0.1, signed by nobody that anybody knows."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem", days=1)


@pytest.fixture
def tls_context(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def untrusted_tls(tls_context) -> Iterator[int]:
    """The port of a server whose certificate nobody vouches for."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with suppress(OSError), tls_context.wrap_socket(connection, server_side=True):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
