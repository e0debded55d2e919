from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from messaging.channels.base import Account, Kind, OutgoingMessage
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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + built.public_bytes(Encoding.PEM)
    )
    return path


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
