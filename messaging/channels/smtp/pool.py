"""Connections that wait a moment for the next mail: signing in takes longer than the mail itself.

Each belongs to one account with its settings as they were, and to one thread at a time. A kept one
is asked whether it is alive before a mail begins; one on which anything went wrong is not kept.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from messaging.channels.base import Account, SendError
from messaging.channels.smtp.connection import Connection, leave, opened
from messaging.channels.smtp.servers import OutgoingServer

MAX_IDLE: Final = 4  # an account
IDLE_SECONDS: Final = 30.0  # many servers hang up after 60
MAX_MAILS: Final = 100  # a connection
_ALIVE_SECONDS: Final = 5.0

_Key = tuple[object, ...]


@dataclass(slots=True)
class Link:
    """A signed-in connection, lent to one mail at a time."""

    smtp: Connection
    mails: int = 0
    idle_since: float = 0.0
    is_reused: bool = False  # it waited before this mail, so that the server may have hung up unseen

    def is_fresh(self, now: float) -> bool:
        return now - self.idle_since < IDLE_SECONDS and self.mails < MAX_MAILS

    def is_alive(self) -> bool:
        """Whether the server answers, with nothing of an earlier mail in its mind."""
        sock = self.smtp.sock
        if sock is None:
            return False
        seconds = sock.gettimeout()
        try:
            sock.settimeout(min(seconds or _ALIVE_SECONDS, _ALIVE_SECONDS))
            reply, _ = self.smtp.docmd("RSET")
            sock.settimeout(seconds)
        except (OSError, ValueError):
            return False
        return reply == 250


@dataclass(slots=True)
class _Pool:
    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: dict[_Key, list[Link]] = field(default_factory=dict)
    sweeper: threading.Timer | None = None

    def take(self, key: _Key) -> Link | None:
        """The most recently used idle connection, if it is alive; else None."""
        now = time.monotonic()
        while True:
            with self.lock:
                waiting = self.idle.get(key)
                link = waiting.pop() if waiting else None
            if link is None:
                return None
            if link.is_fresh(now) and link.is_alive():
                link.is_reused = True
                return link
            leave(link.smtp)
            self.close(key)  # those that wait longer are no better

    def keep(self, key: _Key, link: Link) -> None:
        now = time.monotonic()
        link.idle_since = now
        with self.lock:
            waiting = self.idle.setdefault(key, [])
            has_room = link.is_fresh(now) and len(waiting) < MAX_IDLE
            if has_room:
                waiting.append(link)
                self._sweep_later()
        if not has_room:
            leave(link.smtp)

    def close(self, key: _Key) -> None:
        with self.lock:
            links = self.idle.pop(key, [])
        for link in links:
            leave(link.smtp)

    def sweep(self) -> None:
        """Close connections that were idle too long; scheduled again while some are left."""
        now = time.monotonic()
        stale: list[Link] = []
        with self.lock:
            self.sweeper = None
            for key, links in list(self.idle.items()):
                stale += [link for link in links if not link.is_fresh(now)]
                self.idle[key] = [link for link in links if link.is_fresh(now)]
                if not self.idle[key]:
                    del self.idle[key]
            if self.idle:
                self._sweep_later()
        for link in stale:
            leave(link.smtp)

    def _sweep_later(self) -> None:
        if self.sweeper is None:
            self.sweeper = threading.Timer(IDLE_SECONDS, self.sweep)
            self.sweeper.daemon = True
            self.sweeper.start()


_pool = _Pool()


@contextmanager
def borrowed(account: Account, *, is_new: bool = False) -> Iterator[Link]:
    """A signed-in connection for one mail; kept for the next one when all went well, closed otherwise.

    Raises SendError: until then nothing has left. With `is_new` it is none that waited.
    """
    key = _key(account, OutgoingServer.of(account))
    link = (None if is_new else _pool.take(key)) or Link(opened(account))
    pool = _pool
    try:
        yield link
    except SendError:
        leave(link.smtp)
        raise
    except BaseException:
        with suppress(OSError):
            link.smtp.close()
        raise
    link.mails += 1
    pool.keep(key, link)


def idle_connections() -> int:
    """The number of idle connections in this process."""
    with _pool.lock:
        return sum(map(len, _pool.idle.values()))


def close_all() -> None:
    """Say goodbye on every connection that waits."""
    with _pool.lock:
        links = [link for waiting in _pool.idle.values() for link in waiting]
        _pool.idle.clear()
        sweeper, _pool.sweeper = _pool.sweeper, None
    if sweeper is not None:
        sweeper.cancel()
    for link in links:
        leave(link.smtp)


def _key(account: Account, server: OutgoingServer) -> _Key:
    """What two mails must have in common to go over one connection; the secret as a hash only."""
    login = server.login
    secret = hashlib.sha256(f"{login.password}\0{login.oauth_token}".encode(errors="surrogatepass")).digest()
    how = "tls" if server.use_ssl else "starttls" if server.use_starttls else "plain"
    domain = account.address.rpartition("@")[2].lower()  # said in EHLO
    return (account.channel_id, domain, server.host.lower(), server.port, how, login.username, secret)


def _forget() -> None:
    """In a forked process: the connections are the parent's, who goes on using them. No goodbye, only our ends."""
    global _pool  # a new one: the lock may be held by a thread that does not exist here
    links = [link for waiting in _pool.idle.values() for link in waiting]
    _pool = _Pool()
    for link in links:
        with suppress(OSError):
            link.smtp.close()  # closes the descriptor; neither QUIT nor TLS's goodbye goes out


os.register_at_fork(after_in_child=_forget)
atexit.register(close_all)
