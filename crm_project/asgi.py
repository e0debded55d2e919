"""What the web server serves: `uvicorn crm_project.asgi:application`."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm_project.settings")


# What a form may hold beside its file.
REST_OF_BODY = 1_000_000

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Handler(ASGIHandler):
    """Takes a request through all middleware and its view in one thread; one larger than any file may be is a 413.

    Django's own handler writes a body to the disk, whatever its length and whoever sends it, before anything is asked.

    Django's own handler changes threads and back for nearly every middleware, which costs a webhook half its time. An
    async view still runs in the event loop, and what it streams is streamed there.
    """

    _middleware_chain: Callable[..., Awaitable[object]]

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        # A mail is handed in as base64.
        mail = settings.MAIL_MAX_BYTES * 4 // 3
        most = max(settings.IMPORT_MAX_BYTES, settings.FILE_MAX_BYTES, settings.MEDIA_MAX_BYTES, mail) + REST_OF_BODY
        body = _Body(receive, most)
        if _length(scope) <= most:
            await super().__call__(scope, body.receive, send)
            if not body.is_too_large:
                return
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": f"At most {most} bytes.".encode()})

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        chain: Callable[[HttpRequest], HttpResponseBase] = self._middleware_chain  # type: ignore[assignment]

        def answer(request: HttpRequest) -> HttpResponseBase:
            response = chain(request)
            if response.streaming:
                # It lives as long as its reader wants, and would keep its thread's connection from everybody else.
                close_old_connections()
            return response

        self._middleware_chain = sync_to_async(answer, thread_sensitive=True)


class _Body:
    """Of a body without a length: as much as is read; what follows is as if the caller had gone."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most
        self.is_too_large = False

    async def receive(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left >= 0:
            return message
        self.is_too_large = True
        return {"type": "http.disconnect"}


def _length(scope: Any) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text[:20]) if text.isdigit() else 0


django.setup(set_prefix=False)
application = Handler()


def _write_figures() -> None:
    from activity.doctor import processes  # its models are there once the apps are set up

    processes.start_writing("web")


_write_figures()
