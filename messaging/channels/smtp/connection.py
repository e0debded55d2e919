"""A connection to a mail server for handing mail over.

The password goes over TLS with a valid certificate, or to this machine itself, and nowhere else. Mail without a
password goes without TLS where the channel is set so: to a relay in one's own network.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from django.conf import settings

from messaging.channels.base import Account, Retry, SendError
from messaging.channels.mime import domain_of
from messaging.channels.smtp import errors

QUIT_SECONDS = 1.0
_TRUE = ("true", "1", "yes", "on")


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect, from an account's credentials."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    use_starttls: bool = True
    use_ssl: bool = False

    @classmethod
    def of(cls, credentials: Mapping[str, Any]) -> Self:
        """Raises SendError, which names the value that is wrong. Without any word on TLS, STARTTLS is used."""
        use_ssl = _is_true(credentials.get("use_ssl", False))
        server = cls(
            host=str(credentials.get("host") or "").strip(),
            port=_port(credentials.get("port") or (465 if use_ssl else 587)),
            username=str(credentials.get("username") or ""),
            password=str(credentials.get("password") or ""),
            use_starttls=_is_true(credentials.get("use_starttls", not use_ssl)),
            use_ssl=use_ssl,
        )
        server._refuse_unsafe()
        return server

    def _refuse_unsafe(self) -> None:
        if not self.host:
            raise _setting("host", "The channel has no mail server. Tell the administrators to enter its name.")
        if self.use_ssl and self.use_starttls:
            message = (
                "Choose one of TLS (usually port 465) and STARTTLS (usually port 587) for the mail server, not both."
            )
            raise _setting("use_ssl", message)
        if self.password and not (self.use_ssl or self.use_starttls or is_loopback(self.host)):
            message = (
                "Without TLS the password would be readable on the way. Switch on STARTTLS or TLS for this channel."
            )
            raise _setting("use_starttls", message)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; nothing is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@contextmanager
def connected(account: Account) -> Iterator[smtplib.SMTP]:
    """A connection after TLS and sign-in; closed at the end. Raises SendError: until then nothing has left."""
    server = Server.of(account.credentials)
    try:
        smtp = _opened(server, name=domain_of(account.address))
    except ssl.SSLCertVerificationError as error:
        message = f"The certificate of {server.host} is not valid. Tell the administrators to check the server's name."
        raise SendError("certificate", message, Retry.FIX) from error
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        message = (
            f"{server.host} does not offer TLS or a sign-in the way the channel is set. "
            "Tell the administrators: port 465 is usually for TLS, port 587 for STARTTLS."
        )
        raise SendError("tls", message, Retry.FIX) from error
    except smtplib.SMTPResponseException as error:
        raise errors.refusal(error.smtp_code, error.smtp_error, hidden=(server.username, server.password)) from error
    except ValueError as error:
        message = (
            "The mail server's name, user name or password has characters that can't be sent. Tell the administrators."
        )
        raise SendError("host", message, Retry.FIX) from error
    except OSError as error:  # SMTPServerDisconnected too is one
        message = f"The mail server {server.host} could not be reached. {errors.AGAIN}"
        raise SendError("connection", message, Retry.LATER) from error
    try:
        yield smtp
        _leave(smtp)
    finally:
        smtp.close()


def _leave(smtp: smtplib.SMTP) -> None:
    """Say goodbye, and don't wait long for an answer: the mail is already theirs."""
    with suppress(OSError):
        if smtp.sock is not None:
            smtp.sock.settimeout(QUIT_SECONDS)
        smtp.quit()


def _require_public(server: Server) -> None:
    """An organization's administrator names the server: it must not lead into the network that Parley runs in.

    Raises SendError for a name with an address that is not public, unless MAIL_ALLOWED_HOSTS lists the name. A name
    could still change between this look and the connection: a firewall is the wall, this is the door.
    """
    if "*" in settings.MAIL_ALLOWED_HOSTS or server.host.lower() in settings.MAIL_ALLOWED_HOSTS:
        return
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    if not all(_is_public(str(address[0])) for *_, address in found):
        message = f"{server.host} is not a public mail server. Whoever runs Parley can allow it by MAIL_ALLOWED_HOSTS."
        raise _setting("host", message)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_global and not mapped.is_multicast


def _opened(server: Server, *, name: str) -> smtplib.SMTP:
    _require_public(server)
    # A name of our own for EHLO: the library would look this machine's up, without a limit of time.
    seconds = float(settings.PROVIDER_TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if server.use_ssl:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=name, timeout=seconds, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=seconds)
    try:
        if server.use_starttls:
            smtp.starttls(context=context)
        if server.username:
            _sign_in(smtp, server)
        else:
            smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


def _sign_in(smtp: smtplib.SMTP, server: Server) -> None:
    try:
        smtp.login(server.username, server.password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected, smtplib.SMTPNotSupportedError):
        raise
    except smtplib.SMTPException as error:  # no method of signing in that both sides know
        raise smtplib.SMTPNotSupportedError(str(error)) from error


def _is_true(value: object) -> bool:
    """A switch from a form, from JSON or from an environment's text."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


def _port(value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise _setting("port", "The mail server's port is not a number from 1 to 65535. Tell the administrators.")
    return port


def _setting(code: str, message: str) -> SendError:
    return SendError(code, message, Retry.FIX)
