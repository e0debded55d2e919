"""An IMAP server on loopback that says what it is told: for what a real one does not do when asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from threading import Thread

GREETING = "GREETING"
CLOSE = b"<close>"  # the connection closes
SILENCE = b"<silence>"  # nothing more comes, and the connection stays
LISTEN = b"<listen>"  # the next line is read
ENCRYPT = b"<encrypt>"  # the server's side of TLS begins

Reply = Sequence[bytes]

_REPLIES: Mapping[str, Reply] = {
    GREETING: [b"* OK ready\r\n"],
    "CAPABILITY": [b"* CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN\r\n%(tag)s OK done\r\n"],
    "LOGIN": [b"%(tag)s OK welcome\r\n"],
    "EXAMINE": [b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n%(tag)s OK [READ-ONLY] open\r\n"],
    "UID SEARCH": [b"* SEARCH 1 2 3\r\n%(tag)s OK found\r\n"],
    "UID FETCH": [b"%(tag)s OK nothing\r\n"],
    "LOGOUT": [CLOSE],
}


@dataclass
class ScriptedMailbox:
    """A running server and the lines that it was sent."""

    port: int
    replies: Mapping[str, Reply] = field(repr=False)
    tls: SSLContext | None = field(default=None, repr=False)
    lines: list[str] = field(default_factory=list)


@contextmanager
def scripted_mailbox(replies: Mapping[str, Reply], *, tls: SSLContext | None = None) -> Iterator[ScriptedMailbox]:
    """`replies` changes what is said to a command or as GREETING, in parts; %(tag)s stands for the command's tag."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = ScriptedMailbox(listening.getsockname()[1], {**_REPLIES, **replies}, tls)
        Thread(target=_listen, args=(listening, server), daemon=True).start()
        yield server
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _listen(listening: socket.socket, server: ScriptedMailbox) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with suppress(OSError, StopIteration):
                _Conversation(connection, server).hold()


class _Conversation:
    def __init__(self, connection: socket.socket, server: ScriptedMailbox) -> None:
        self.connection = connection
        self.server = server
        self.file = connection.makefile("rb")

    def hold(self) -> None:
        try:
            self._say(GREETING, b"*")
            while True:
                line = self._line()
                tag, _, command = line.partition(" ")
                words = command.upper().split()
                step = " ".join(words[:2] if words[:1] == ["UID"] else words[:1])
                self._say(step, tag.encode())
        finally:
            self.file.close()
            self.connection.close()

    def _line(self) -> str:
        line = self.file.readline().decode(errors="replace")
        if not line:
            raise StopIteration
        self.server.lines.append(line.strip())
        return line.strip()

    def _say(self, step: str, tag: bytes) -> None:
        for part in self.server.replies.get(step, [b"%(tag)s BAD what?\r\n"]):
            if part == CLOSE:
                raise StopIteration
            if part == LISTEN:
                self._line()
            elif part == SILENCE:
                self.file.read()
                raise StopIteration
            elif part == ENCRYPT:
                assert self.server.tls is not None
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                self.file = self.connection.makefile("rb")
            else:
                self.connection.sendall(part.replace(b"%(tag)s", tag))
