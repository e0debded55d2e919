"""The IMAP client: the library's, over a connection and within limits of our own."""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, Final

from django.conf import settings
from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, UnexpectedCommandStatusError

from messaging.channels.base import AGAIN, Retry, SendError
from messaging.channels.smtp import errors, network, oauth
from messaging.channels.smtp.servers import IncomingServer, setting

_LARGEST_ANSWER: Final = 16_000_000  # bytes; the numbers of two million mails
_ANSWER_SECONDS: Final = 120.0  # for all of an answer; a large mail on a slow line
_WAITING: Final = ("THROTTLED", "UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "SERVERBUG")  # RFC 5530; passing troubles


class Client(imaplib.IMAP4):
    """The standard library's client with our connection, our certificate check and a limit on every answer."""

    def __init__(self, server: IncomingServer, *, seconds: float) -> None:
        self._server = server
        self._context = ssl.create_default_context()
        self._reader: network.Reader | None = None
        super().__init__(server.host, server.port, timeout=seconds)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = network.connect(self._server.host, self._server.port, seconds=timeout or 1.0)
        if not self._server.use_ssl:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self._server.host)
        except BaseException:
            plain.close()
            raise

    @property
    def reader(self) -> network.Reader:
        """The server's replies. After STARTTLS it is a new reader: what came in the clear before is not trusted."""
        if self._reader is None or self._reader.connection is not self.sock:
            self._reader = network.Reader(self.sock)
            self._reader.allow(_LARGEST_ANSWER, seconds=_ANSWER_SECONDS)
        return self._reader

    def allow(self, most: int, *, seconds: float = _ANSWER_SECONDS) -> None:
        """Let the answers until the next command be so large, in bytes, and take so long."""
        self.reader.allow(most, seconds=seconds)

    def read(self, size: int) -> bytes:
        """So many bytes. Raises OSError past the limits."""
        return self.reader.read(size)

    def readline(self) -> bytes:
        """One line. Raises OSError past the limits."""
        return self.reader.readline()

    def send(self, data: Any) -> None:
        """Send a command; its reply has the default limits."""
        self.allow(_LARGEST_ANSWER)
        super().send(data)

    def upgrade(self) -> None:
        """STARTTLS. Raises SSLError where the server refuses it."""
        before = self.file
        try:
            self.starttls(self._context)
        except self.abort:
            raise
        except self.error as error:
            raise ssl.SSLError("the server refused STARTTLS") from error
        before.close()

    def leave(self) -> None:
        """Say goodbye without waiting for an answer."""
        with suppress(OSError, ValueError, imaplib.IMAP4.error):
            self.sock.settimeout(0.5)
            self.send(b"BYE0 LOGOUT\r\n")
        with suppress(OSError):
            self.shutdown()


class Box(BaseMailBox):
    """imap-tools' mailbox over our client."""

    client: Client

    def __init__(self, server: IncomingServer) -> None:
        self._server = server
        super().__init__()

    def _get_mailbox_client(self) -> Client:
        client = Client(self._server, seconds=float(settings.PROVIDER_TIMEOUT_SECONDS))
        try:
            if self._server.use_starttls:
                if "STARTTLS" not in client.capabilities:
                    raise ssl.SSLError("the server offers no STARTTLS")
                client.upgrade()
        except BaseException:
            client.leave()
            raise
        return client

    def sign_in(self) -> None:
        """Sign in with the token, else the password. Raises the libraries' exceptions (see `in_plain_words`)."""
        login = self._server.login
        if login.oauth_token:
            offered = [name.removeprefix("AUTH=") for name in self.client.capabilities if name.startswith("AUTH=")]
            mechanism = oauth.mechanism_of(offered)
            answer = oauth.answers(
                mechanism,
                username=login.username,
                token=login.oauth_token,
                host=self._server.host,
                port=self._server.port,
            )
            self.client.authenticate(mechanism, lambda question: answer(question).encode())
        elif (login.username + login.password).isascii():
            self.login(login.username, login.password, initial_folder=None)
        else:
            self.login_utf8(login.username, login.password, initial_folder=None)
        self.client._get_capabilities()  # many servers list all of them only now


class Step(Enum):
    """How far it got: the same refusal means another thing at each."""

    CONNECT = "connect"
    SIGN_IN = "sign in"
    READ = "read"


@contextmanager
def in_plain_words(server: IncomingServer, step: Step = Step.READ) -> Iterator[None]:
    """Turn every failure of the server or the network into a SendError: FIX with what to do, or LATER."""
    try:
        yield
    except (network.NotPublic, oauth.NoMechanism, ssl.SSLCertVerificationError) as error:
        raise _unsafe(server, error) from error
    except MailboxFolderSelectError as error:
        raise _no_folder(server, error) from error
    except (OSError, imaplib.IMAP4.abort) as error:
        raise _disconnected(server, error, step) from error
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        raise _refused(server, error, step) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _senseless(server, error) from error


def _unsafe(server: IncomingServer, error: Exception) -> SendError:
    if isinstance(error, network.NotPublic):
        message = f"{server.host} is not a public mail server. Whoever runs Parley can allow it by MAIL_ALLOWED_HOSTS."
        return setting("imap_host", message)
    if isinstance(error, oauth.NoMechanism):
        message = f"{server.host} takes no sign-in by token. Tell the administrators to enter a password instead."
        return setting("oauth_token", message)
    message = f"The certificate of {server.host} is not valid. Tell the administrators to check the server's name."
    return setting("imap_certificate", message)


def _disconnected(server: IncomingServer, error: Exception, step: Step) -> SendError:
    is_torn = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(error, ssl.SSLError) and step is Step.CONNECT and not is_torn:
        message = (
            f"{server.host} does not offer TLS the way the channel is set. "
            "Tell the administrators: port 993 is usually for TLS, port 143 for STARTTLS."
        )
        return setting("imap_tls", message)
    what = "closed the connection" if step is Step.READ else "could not be reached"
    message = f"The server for incoming mail {server.host} {what}. {AGAIN}"
    return SendError("imap_connection", message, Retry.LATER)


def _senseless(server: IncomingServer, error: Exception) -> SendError:
    if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):  # ours could not be written
        message = "The name of the server for incoming mail, or the sign-in, can't be sent. Tell the administrators."
        return setting("imap_host", message)
    message = f"{server.host} does not answer as a server for incoming mail does. {AGAIN}"
    return SendError("imap_answer", message, Retry.LATER)


def _no_folder(server: IncomingServer, error: UnexpectedCommandStatusError) -> SendError:
    words = _reply_text(server, error)
    if _is_passing(words):
        return _busy(server, words)
    message = f"The mailbox has no folder «{server.folder}» that can be read. Tell the administrators to correct it."
    return setting("imap_folder", message)


def _refused(server: IncomingServer, error: Exception, step: Step) -> SendError:
    words = _reply_text(server, error)
    if step is not Step.SIGN_IN or _is_passing(words):
        return _busy(server, words)
    message = (
        "The server for incoming mail did not accept the user name and password (or token). Tell the administrators "
        f"to enter them again; many providers want an app password. The server said: {words}"
    )
    return setting("imap_login", message)


def _busy(server: IncomingServer, words: str) -> SendError:
    message = f"The server for incoming mail {server.host} can't do this now. {AGAIN} The server said: {words}"
    return SendError("imap_busy", message, Retry.LATER)


def _is_passing(words: str) -> bool:
    return any(f"[{code}" in words.upper() for code in _WAITING) or "too many" in words.lower()


def _reply_text(server: IncomingServer, error: Exception) -> str:
    """The server's words out of an exception of either library."""
    reply: Any = error.args[0] if error.args else ""
    if isinstance(error, UnexpectedCommandStatusError):
        reply = (error.command_result[1] or [b""])[-1]
    if isinstance(reply, list):
        reply = reply[-1] if reply else ""
    words = reply if isinstance(reply, bytes | str) else ""
    return errors.words(words, hidden=server.login.hidden)
