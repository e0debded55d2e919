"""Connections to a server that an organization's administrator named, and reading its replies within limits."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Final

from django.conf import settings

from core import net
from core.net import NotPublic

__all__ = ["NotPublic", "Reader", "connect"]

_CHUNK: Final = 65_536


def connect(host: str, port: int, *, seconds: float) -> socket.socket:
    """A TCP connection to a mail server, as `core.net.connect` guards it; MAIL_ALLOWED_HOSTS may be anywhere."""
    return net.connect(host, port, seconds=seconds, allowed=settings.MAIL_ALLOWED_HOSTS)


class Reader:
    """Reads a server's replies within limits of size and time, against a hostile server.

    Takes the place of a socket's file in the standard library's clients. Raises OSError past a limit.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = bytearray()
        self._bytes_left = 0
        self._until = 0.0

    def allow(self, most: int, *, seconds: float) -> None:
        """Set the limits for what follows: bytes, and seconds."""
        self._bytes_left = most
        self._until = time.monotonic() + seconds

    def readline(self, limit: int = -1) -> bytes:
        """A line with its end; less at the limit or where the connection ends."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched) + 1
            if end:
                return self._take(min(end, limit) if limit > 0 else end)
            searched = len(self._buffer)
            if 0 < limit <= searched:
                return self._take(limit)
            if not self._fill():
                return self._take(searched)

    def read(self, size: int) -> bytes:
        """So many bytes; less where the connection ends."""
        if size > self._bytes_left + len(self._buffer):
            raise OSError("the server says more than it may")
        while len(self._buffer) < size and self._fill():
            pass
        return self._take(size)

    def has_something(self, *, seconds: float) -> bool:
        """Wait until the server sends something or hangs up, at most that long; whether it did."""
        if self._buffer or (isinstance(self.connection, ssl.SSLSocket) and self.connection.pending()):
            return True
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def close(self) -> None:
        """Nothing of its own to be closed; the clients ask for it."""

    def _fill(self) -> bool:
        if time.monotonic() > self._until:
            raise TimeoutError("the server speaks too slowly")
        chunk = self.connection.recv(_CHUNK)
        self._bytes_left -= len(chunk)
        if self._bytes_left < 0:
            raise OSError("the server says more than it may")
        self._buffer += chunk
        return bool(chunk)

    def _take(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            taken = bytes(view[:size])
        del self._buffer[:size]
        return taken
