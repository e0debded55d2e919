"""Requests to servers that users name."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core import web_requests
from core.web_requests import RequestFailed

OWN = ["127.0.0.1"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server for one request, which it reads and then does this."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    answer(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_redirect_is_not_followed():
    with answering(lambda c: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n")) as address:
        assert web_requests.request(address, seconds=5, allowed=OWN).status == 302


def test_what_is_too_long_is_not_read_to_its_end():
    body = b" " * (web_requests.MAX_BYTES + 10)
    with (
        answering(lambda c: c.sendall(HEAD + b"\r\n" + body)) as address,
        pytest.raises(RequestFailed, match="too long"),
    ):
        web_requests.request(address, seconds=5, allowed=OWN)


def test_who_answers_byte_by_byte_is_left():
    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"H")
            time.sleep(0.02)

    with answering(drip) as address, pytest.raises(RequestFailed):
        web_requests.request(address, seconds=0.2, allowed=OWN)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(RequestFailed):
        web_requests.Answer(200, body).as_object()


def test_this_machine_is_asked_only_where_it_is_allowed():
    for address in ("http://127.0.0.1:1/", "https://127.0.0.1:1/"):
        with pytest.raises(RequestFailed):
            web_requests.request(address, seconds=1)
    with pytest.raises(RequestFailed, match="begin with https"):
        web_requests.request("http://sso.example/", seconds=1, allowed=["*"])


def test_a_certificate_is_asked_for():
    with (
        answering(lambda c: c.sendall(b"no TLS here")) as address,
        pytest.raises(RequestFailed, match="certificate"),
    ):
        web_requests.request(address.replace("http:", "https:"), seconds=5, allowed=OWN)
