"""The certificates of a channel's mail servers: connect, begin TLS, look, leave; nobody signs in."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from core.certificates import ends_at
from core.net import NotPublic
from messaging.channels.abilities import ServerCertificate
from messaging.channels.base import Account
from messaging.channels.mime import domain_of
from messaging.channels.smtp.connection import begun, leave
from messaging.channels.smtp.imap_client import Client
from messaging.channels.smtp.servers import IncomingServer, OutgoingServer


def read(account: Account, *, with_incoming: bool) -> list[ServerCertificate]:
    """One for each server that is reached by TLS. Raises SendError where the channel's values are wrong."""
    outgoing = OutgoingServer.of(account)
    results = []
    if outgoing.use_ssl or outgoing.use_starttls:
        results.append(_read(outgoing.host, lambda: _outgoing(outgoing, domain_of(account.address))))
    if with_incoming:
        incoming = IncomingServer.of(account)
        if incoming.use_ssl or incoming.use_starttls:
            results.append(_read(incoming.host, lambda: _incoming(incoming)))
    return results


def _read(host: str, ask: Callable[[], datetime | None]) -> ServerCertificate:
    try:
        return ServerCertificate(host, ends_at=ask())
    except ssl.SSLCertVerificationError as error:
        return ServerCertificate(host, refusal=error.verify_message or "not valid")
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, NotPublic, ValueError) as error:
        return ServerCertificate(host, problem=type(error).__name__)


def _outgoing(server: OutgoingServer, name: str) -> datetime | None:
    smtp = begun(server, name=name)
    try:
        return ends_at(smtp.sock) if isinstance(smtp.sock, ssl.SSLSocket) else None
    finally:
        leave(smtp)


def _incoming(server: IncomingServer) -> datetime | None:
    client = Client(server, seconds=float(settings.PROVIDER_TIMEOUT_SECONDS))
    try:
        if server.use_starttls:
            client.upgrade()
        return ends_at(client.sock) if isinstance(client.sock, ssl.SSLSocket) else None
    finally:
        client.leave()
