"""Mail servers on loopback: a real one that keeps what it gets, and one that fails at a step of one's choice."""

from __future__ import annotations

import socket
from asyncio.base_events import Server
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from messaging.channels.smtp import pool

USERNAME, PASSWORD = "desk", "correct horse"


@dataclass
class Received:
    """One mail as it came over the wire."""

    sender: str
    recipients: list[str]
    content: bytes
    connection: tuple[str, int]  # the other end's; another one for each connection

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.SMTPUTF8)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """A running server and what it received."""

    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def connections(self) -> int:
        """How many connections the mails came over."""
        return len({one.connection for one in self.received})

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        content = bytes(envelope.original_content)
        self.received.append(Received(envelope.mail_from, list(envelope.rcpt_tos), content, session.peer))
        return "250 2.0.0 taken"


class _AnyPort(Controller):
    """Takes a free port, which the library's own controller can't."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(
    *,
    starttls: SSLContext | None = None,
    tls: SSLContext | None = None,
    has_sign_in: bool = False,
    largest: int = 33_554_432,
) -> Iterator[MailServer]:
    """A real mail server (aiosmtpd), with STARTTLS, TLS or neither; where it has a sign-in, USERNAME and PASSWORD."""
    kept = MailServer()
    options: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": largest}
    if has_sign_in:
        options |= {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": bool(starttls)}
    if starttls:
        options |= {"tls_context": starttls, "require_starttls": True}
    controller = _AnyPort(kept, hostname="127.0.0.1", port=0, ssl_context=tls, ready_timeout=10, **options)
    controller.start()
    try:
        kept.port = controller.port
        yield kept
    finally:
        pool.close_all()
        controller.stop()


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right)


GREETING, END_OF_DATA = "GREETING", "."
CLOSE = ""  # the connection closes in place of a reply
SILENCE = "silence"  # no reply, and the connection stays

_REPLIES = {
    GREETING: "220 mail.example.com",
    "EHLO": "250 mail.example.com",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "RSET": "250 2.0.0 as new",
    "DATA": "354 go on",
    END_OF_DATA: "250 2.0.0 taken",
    "QUIT": "221 bye",
}


@dataclass
class ScriptedMailServer:
    """A server that gives the replies it is told, one connection after another."""

    port: int
    replies: dict[str, list[str]] = field(repr=False)
    commands: list[str] = field(default_factory=list)
    content: bytes = b""
    connections: int = 0
    hangs_up_in_text: bool = False

    def reply(self, step: str) -> str:
        """The next reply to a command; the last one stays."""
        left = self.replies.get(step, ["502 5.5.1 what?"])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def scripted_mail_server(replies: Mapping[str, str | list[str]]) -> Iterator[ScriptedMailServer]:
    """`replies` changes the reply to a command, to GREETING or to END_OF_DATA, or the replies one after another.

    A reply may be CLOSE or SILENCE.
    """
    told = {step: [reply] if isinstance(reply, str) else list(reply) for step, reply in {**_REPLIES, **replies}.items()}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = ScriptedMailServer(listening.getsockname()[1], told)
        Thread(target=_listen, args=(listening, server), daemon=True).start()
        yield server
        pool.close_all()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _listen(listening: socket.socket, server: ScriptedMailServer) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            server.connections += 1
            with connection, suppress(OSError, StopIteration):
                _converse(connection, server)


def _converse(connection: socket.socket, server: ScriptedMailServer) -> None:
    lines = connection.makefile("rb")
    step = GREETING
    while True:
        reply = server.reply(step)
        if reply == CLOSE:
            return
        if reply != SILENCE:
            connection.sendall(reply.encode() + b"\r\n")
        if step == "QUIT":
            return
        if step == "DATA" and reply.startswith("354"):
            for line in iter(lines.readline, b".\r\n"):
                if not line or server.hangs_up_in_text:
                    return
                server.content += line
            step = END_OF_DATA
            continue
        command = next(iter(lines.readline, b"")).decode(errors="replace").strip()
        server.commands.append(command)
        step = command[:4].upper()
