"""What the web server hands in: nothing larger than any file may be is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_project import asgi

SCOPE = {
    "type": "http", "method": "POST", "path": "/api/v1/health", "raw_path": b"/api/v1/health", "query_string": b"",
    "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
}  # fmt: skip
CHUNK = b"x" * 1_000_000


def post(headers: dict[bytes, bytes], chunks: int) -> tuple[int, int]:
    """The status, and how many chunks were taken."""
    sent: list[Any] = []
    taken = 0

    async def receive() -> Any:
        nonlocal taken
        if taken == chunks:
            await asyncio.Event().wait()  # as a server does when the body is over
        taken += 1
        return {"type": "http.request", "body": CHUNK, "more_body": taken < chunks}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {b"host": b"testserver", b"content-type": b"text/plain", **headers}
    asyncio.run(asgi.application({**SCOPE, "headers": list(given.items())}, receive, send))
    return next(message["status"] for message in sent if message["type"] == "http.response.start"), taken


@pytest.mark.django_db(transaction=True)
def test_a_body_larger_than_any_file_is_not_taken(settings: Any):
    settings.IMPORT_MAX_BYTES = settings.FILE_MAX_BYTES = settings.MEDIA_MAX_BYTES = 2_000_000
    settings.MAIL_MAX_BYTES = 1_000_000
    assert post({b"content-length": b"2000000000"}, 2000) == (413, 0)
    assert post({}, 2000) == (413, 4)
    # What fits is taken whole; what it is worth is said by who takes it.
    assert post({b"content-length": b"2000000"}, 2) == (403, 2)
