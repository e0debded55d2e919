"""A body that is made while it is sent: the same generator under a server with threads and one with an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.request import Request


def streamed(
    request: HttpRequest | Request, pieces: Generator[bytes], *, content_type: str, filename: str
) -> StreamingHttpResponse:
    """Send the pieces as a file to be saved. Empty ones are left out.

    Each piece is made in a thread of its own accord under ASGI, so the generator keeps nothing open in between that
    belongs to a thread: no organization's scope, no transaction.
    """
    plain: HttpRequest = getattr(request, "_request", request)
    body: AsyncGenerator[bytes] | Generator[bytes] = (piece for piece in pieces if piece)
    if isinstance(plain, ASGIRequest):
        body = _later(pieces)
    response = StreamingHttpResponse(body, content_type=content_type)
    response.headers["Content-Disposition"] = _disposition(filename)
    response.headers["Cache-Control"] = "no-store"
    # A proxy that collects the body before it passes it on would undo the streaming.
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _later(pieces: Generator[bytes]) -> AsyncGenerator[bytes]:
    next_piece = sync_to_async(_next, thread_sensitive=False)
    try:
        while (piece := await next_piece(pieces)) is not None:
            if piece:
                yield piece
    finally:
        pieces.close()


def _next(pieces: Iterator[bytes]) -> bytes | None:
    close_old_connections()
    try:
        return next(pieces, None)
    finally:
        close_old_connections()


def _disposition(filename: str) -> str:
    """RFC 6266: a plain name for old programs, the whole one for the others."""
    simple = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in filename)
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(filename, safe='')}"
