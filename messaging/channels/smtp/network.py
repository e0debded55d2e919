"""Connections to a server that an organization's administrator named, and what it says, read within limits."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import time
from typing import Final

from django.conf import settings

_MOST_ADDRESSES: Final = 6
_SHORTEST_TRY_SECONDS: Final = 1.0
_CHUNK: Final = 65_536


class NotPublic(Exception):
    """The name leads into the network that Parley runs in, and nobody allowed that."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; nothing is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def connect(host: str, port: int, *, seconds: float) -> socket.socket:
    """A TCP connection whose every step takes `seconds` at most.

    Raises NotPublic for a name with an address that is not public, unless MAIL_ALLOWED_HOSTS lists the name, and
    OSError or UnicodeError as sockets do. It goes to the very addresses that were looked at, so that a name which
    leads elsewhere a moment later leads nowhere.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not _is_allowed(host) and not all(_is_public(str(address[0])) for *_, address in found):
        raise NotPublic(host)
    found = found[:_MOST_ADDRESSES]
    failure = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            # One address that swallows everything must not use up the time of the next.
            connection.settimeout(max(min(seconds, _SHORTEST_TRY_SECONDS), seconds / len(found)))
            connection.connect(address)
            connection.settimeout(seconds)
            # Short steps of a conversation: each would wait for the other side's delayed acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _is_allowed(host: str) -> bool:
    return "*" in settings.MAIL_ALLOWED_HOSTS or host.lower() in settings.MAIL_ALLOWED_HOSTS


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_global and not mapped.is_multicast


class Reader:
    """A server's words, as many and for as long as they were allowed: a hostile server would go on for ever.

    Takes the place of a socket's file in the standard library's clients. Raises OSError past a limit.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = bytearray()
        self._bytes_left = 0
        self._until = 0.0

    def allow(self, most: int, *, seconds: float) -> None:
        """From now on so many bytes, and so long."""
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
        """Wait until the server says something (or hangs up), so long at most."""
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
