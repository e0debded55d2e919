"""The local broker: Celery's messages as files in one folder, for an installation without Redis.

A message is a file that appears whole (written beside the queue, then renamed into it) and is taken by whoever deletes
it: one succeeds, the others see that it is gone. Its name says when it was sent and until when it is good, so the
oldest comes first and stale ones are cleared away without being read. What a killed worker had taken is lost; that
costs a tick, because the work itself is rows in the database (docs/decisions/0002-local-broker.md).
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections import defaultdict, deque
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

SCHEME = "local"
# A message without an expiry of its own is good for so long.
MAX_AGE_SECONDS = 900.0
# A writer looks for stale messages so often: the folder stays small while no worker runs.
CLEAR_EVERY_SECONDS = 30.0
# The reader looks for new messages so often; half of it is what a ring takes on average.
POLL_SECONDS = 0.05

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_@.-]{1,200}")
_counter = itertools.count()


class Channel(virtual.Channel):
    """A kombu channel with direct exchanges only; no fan-out, so no remote control and no events."""

    do_restore = True
    supports_fanout = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listed: dict[str, deque[str]] = defaultdict(deque)
        self._cleared_at = 0.0

    @property
    def folder(self) -> Path:
        return _folder_of(self.connection.client)

    def _queue_folder(self, queue: str) -> Path:
        if not _QUEUE_NAME.fullmatch(queue) or queue.strip(".") == "":
            raise ValueError(f"{queue!r} can't be the name of a queue here.")
        return self.folder / queue

    def _put(self, queue: str, message: dict[str, Any], **_: object) -> None:
        folder = self._queue_folder(queue)
        now = time.time_ns()
        milliseconds = message.get("properties", {}).get("expiration")
        lifetime = MAX_AGE_SECONDS if milliseconds is None else int(milliseconds) / 1000
        name = f"{now:020d}-{now + int(lifetime * 1e9):020d}-{os.getpid()}-{next(_counter)}"
        headers = (message.get("headers") or {}).get("parley")
        if isinstance(headers, dict) and headers.get("wake"):
            name = f"{name}-{headers['wake']}"
        # Beside the queue, on the same file system: a reader never sees a half-written message.
        draft = self.folder / f".{name}"
        try:
            draft.write_text(dumps(message), encoding="utf-8")
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(dumps(message), encoding="utf-8")
        try:
            draft.rename(folder / name)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            draft.rename(folder / name)
        if time.monotonic() - self._cleared_at > CLEAR_EVERY_SECONDS:
            self._cleared_at = time.monotonic()
            self._clear_stale()

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, object]:
        folder = self._queue_folder(queue)
        listed = self._listed[queue]
        if not listed:
            listed.extend(sorted(_names(folder)))
        while listed:
            name = listed.popleft()
            path = folder / name
            try:
                content = path.read_text(encoding="utf-8")
                path.unlink()
            except FileNotFoundError:
                continue  # another worker took it
            if not _is_stale(name):
                message: dict[str, Any] = loads(content)
                return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(_names(self._queue_folder(queue)))

    def _purge(self, queue: str) -> int:
        folder = self._queue_folder(queue)
        self._listed.pop(queue, None)
        return sum(_remove(folder / name) for name in _names(folder))

    def _new_queue(self, queue: str, **_: object) -> None:
        self._queue_folder(queue).mkdir(parents=True, exist_ok=True)

    def _delete(self, queue: str, *_: object, **__: object) -> None:
        self._purge(queue)
        try:
            self._queue_folder(queue).rmdir()
        except OSError:
            return  # gone already, or a message came in between

    def _clear_stale(self) -> None:
        """Delete messages that are good no more, and drafts whose writer died."""
        for draft in _names(self.folder, hidden=True):
            if _is_stale(draft.lstrip(".")):
                _remove(self.folder / draft)
        for folder in _folders(self.folder):
            for name in _names(folder):
                if _is_stale(name):
                    _remove(folder / name)


def is_pending(folder: Path, key: str) -> bool:
    """Whether a wake-up of this key waits in the queue's folder, still good."""
    return any(name.endswith(f"-{key}") and not _is_stale(name) for name in _names(folder))


def _folder_of(client: Any) -> Path:
    return Path(client.transport_options["folder"])


def _names(folder: Path, *, hidden: bool = False) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.name.startswith(".") is hidden]
    except FileNotFoundError:
        return []


def _folders(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []


def _is_stale(name: str) -> bool:
    """Whether the message has expired by the time in its name; a name of another format is stale too."""
    parts = name.split("-")
    return len(parts) not in (4, 5) or not parts[1].isdigit() or int(parts[1]) < time.time_ns()


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


class Transport(virtual.Transport):
    """`local://` with the transport option `folder`."""

    Channel = Channel
    # Kept for the life of the process and shared by its connections: which queue a routing key leads to.
    global_state = virtual.BrokerState()
    default_port = 0
    driver_type = "local"
    driver_name = "local"
    polling_interval = POLL_SECONDS
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct"]))

    def __init__(self, client: Any, **kwargs: object) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        return "1"

    def establish_connection(self) -> Transport:
        _folder_of(self.client).mkdir(parents=True, exist_ok=True)
        return super().establish_connection()


def use_local_broker() -> None:
    """Make `local://` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
