"""A connection to a mail server for handing mail over.

The password goes over TLS with a valid certificate, or to this machine itself, and nowhere else. Mail without a
password goes without TLS where the channel is set so: to a relay in one's own network.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

from django.conf import settings

from messaging.channels.base import AGAIN, Account, Retry, SendError
from messaging.channels.mime import domain_of
from messaging.channels.smtp import errors, network, oauth
from messaging.channels.smtp.servers import Login, OutgoingServer, setting

_LARGEST_REPLY: Final = 100_000
_PATIENCE: Final = 3  # so many time-outs a reply may take, line by line
_GOODBYE_SECONDS: Final = 0.5


class Connection(smtplib.SMTP):
    """The library's client, whose connection and whose replies keep to our limits."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return network.connect(host, port, seconds=timeout)

    def getreply(self) -> tuple[int, bytes]:
        """A reply of at most 100 kB. Raises SMTPServerDisconnected."""
        if self.sock is not None:
            if self.file is None:
                self.file: Any = network.Reader(self.sock)
            self.file.allow(_LARGEST_REPLY, seconds=_PATIENCE * (self.sock.gettimeout() or self.timeout))
        return super().getreply()


class _TlsConnection(smtplib.SMTP_SSL, Connection):
    """TLS from the start, over a socket of Connection's: the library's class asks the next one for it."""


def opened(account: Account) -> Connection:
    """A connection after TLS and sign-in. Raises SendError: until then nothing has left."""
    server = OutgoingServer.of(account)
    with _in_plain_words(server):
        return _opened(server, name=domain_of(account.address))


def leave(smtp: smtplib.SMTP) -> None:
    """Say goodbye without waiting for an answer: what was sent is already theirs."""
    with suppress(OSError, ValueError):
        if smtp.sock is not None:
            smtp.sock.settimeout(_GOODBYE_SECONDS)
            smtp.putcmd("QUIT")
    with suppress(OSError):
        smtp.close()


@contextmanager
def _in_plain_words(server: OutgoingServer) -> Iterator[None]:
    try:
        yield
    except network.NotPublic as error:
        message = f"{server.host} is not a public mail server. Whoever runs Parley can allow it by MAIL_ALLOWED_HOSTS."
        raise setting("host", message) from error
    except ssl.SSLCertVerificationError as error:
        message = f"The certificate of {server.host} is not valid. Tell the administrators to check the server's name."
        raise setting("certificate", message) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:  # it hung up in the middle
        raise _unreachable(server) from error
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        message = (
            f"{server.host} does not offer TLS or a sign-in the way the channel is set. "
            "Tell the administrators: port 465 is usually for TLS, port 587 for STARTTLS."
        )
        raise setting("tls", message) from error
    except oauth.NoMechanism as error:
        message = f"{server.host} takes no sign-in by token. Tell the administrators to enter a password instead."
        raise setting("oauth_token", message) from error
    except smtplib.SMTPResponseException as error:
        raise errors.refusal(error.smtp_code, error.smtp_error, hidden=server.login.hidden) from error
    except ValueError as error:
        message = (
            "The mail server's name, user name or password has characters that can't be sent. Tell the administrators."
        )
        raise setting("host", message) from error
    except OSError as error:  # SMTPServerDisconnected too is one
        raise _unreachable(server) from error


def _unreachable(server: OutgoingServer) -> SendError:
    message = f"The mail server {server.host} could not be reached. {AGAIN}"
    return SendError("connection", message, Retry.LATER)


def begun(server: OutgoingServer, *, name: str) -> Connection:
    """A connection after TLS and before sign-in. Raises the library's exceptions."""
    # A name of our own for EHLO: the library would look this machine's up, without a limit of time.
    seconds = float(settings.PROVIDER_TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if server.use_ssl:
        smtp: Connection = _TlsConnection(
            server.host, server.port, local_hostname=name, timeout=seconds, context=context
        )
    else:
        smtp = Connection(server.host, server.port, local_hostname=name, timeout=seconds)
    try:
        if server.use_starttls:
            smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


def _opened(server: OutgoingServer, *, name: str) -> Connection:
    smtp = begun(server, name=name)
    try:
        if server.login.username:
            _sign_in(smtp, server, server.login)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _sign_in(smtp: Connection, server: OutgoingServer, login: Login) -> None:
    try:
        if login.oauth_token:
            mechanism = oauth.mechanism_of(smtp.esmtp_features.get("auth", "").split())
            answer = oauth.answers(
                mechanism, username=login.username, token=login.oauth_token, host=server.host, port=server.port
            )
            smtp.auth(mechanism, cast("Any", answer))
        else:
            smtp.login(login.username, login.password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected, smtplib.SMTPNotSupportedError):
        raise
    except smtplib.SMTPException as error:  # no method of signing in that both sides know
        raise smtplib.SMTPNotSupportedError(str(error)) from error
