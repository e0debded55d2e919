"""A wire to a server that can be cut and frozen: what a process sees when its database or broker goes away."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Wire:
    """Passes connections to `port` on this machine on, by a port of its own, until somebody cuts or freezes it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._selector = selectors.DefaultSelector()
        self._is_over = False
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._flows.set()
        self._thread.join()
        self.cut()

    def mend(self) -> None:
        """Let connections through again, by the same port."""
        with self._lock:
            if self._listener is None:
                listener = socket.create_server(("127.0.0.1", self.port), backlog=300)
                self.port = listener.getsockname()[1]
                self._listener = listener
                self._selector.register(listener, selectors.EVENT_READ)
        self._flows.set()

    def cut(self) -> None:
        """Break every connection and refuse new ones, as a server does that was stopped."""
        with self._lock:
            if self._listener is not None:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
            for one in list(self._pairs):
                self._close(one)

    def break_connections(self) -> None:
        """Break every connection; new ones are let through."""
        with self._lock:
            for one in list(self._pairs):
                self._close(one)

    def freeze(self) -> None:
        """Pass nothing on, and leave everything open, as a server does that hangs."""
        self._flows.clear()

    def _run(self) -> None:
        while not self._is_over:
            self._flows.wait()
            for key, _ in self._selector.select(0.05):
                if not self._flows.is_set():
                    break
                with self._lock, contextlib.suppress(OSError, KeyError, ValueError):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj)

    def _accept(self) -> None:
        assert self._listener is not None
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            self._pairs[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        try:
            data = one.recv(65536)
            if data:
                self._pairs[one].sendall(data)
                return
        except OSError:
            pass
        self._close(one)

    def _close(self, one: socket.socket) -> None:
        other = self._pairs.pop(one, None)
        for end in (one, other):
            if end is not None:
                self._pairs.pop(end, None)
                with contextlib.suppress(OSError, KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()
