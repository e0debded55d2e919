"""Middleware of every request: its id, its line in the log, headers, and the static files."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

from core.logging import bound
from core.metrics import METHODS, REQUESTS

access_log = logging.getLogger("parley.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_QUIET_PATHS = ("/static/", "/health", "/api/v1/health")

Next = Callable[[HttpRequest], Any]


class RequestLogMiddleware:
    """Gives the request its id (`X-Request-ID`, taken over or made) and writes a line about it: never query or body."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._later(request)
        begun, request_id = self._begin(request)
        with bound(request_id=request_id):
            return self._end(request, self.get_response(request), begun, request_id)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        begun, request_id = self._begin(request)
        with bound(request_id=request_id):
            return self._end(request, await self.get_response(request), begun, request_id)

    def _begin(self, request: HttpRequest) -> tuple[float, str]:
        requested = request.headers.get("X-Request-ID", "")
        request_id = requested if _REQUEST_ID.fullmatch(requested) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        request.received_at = time.time_ns() // 1_000_000  # type: ignore[attr-defined]
        return time.perf_counter(), request_id

    def _end(self, request: HttpRequest, response: HttpResponseBase, begun: float, request_id: str) -> HttpResponseBase:
        response.headers["X-Request-ID"] = request_id
        # Nothing is kept by a browser that several people use, or by a proxy, unless its view said so.
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        seconds = time.perf_counter() - begun
        match = request.resolver_match
        # The route, not the path: a path may hold a token (a password's reset) or an address.
        route = f"/{match.route}" if match else ""
        if not request.path.startswith("/static/"):
            # A caller may name any method.
            method = request.method if request.method in METHODS else "other"
            REQUESTS.add(method, route, str(response.status_code), seconds=seconds)
        level = logging.DEBUG if request.path.startswith(_QUIET_PATHS) else logging.INFO
        if access_log.isEnabledFor(level):
            fields = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
            }
            access_log.log(level, "request", extra=fields)
        return response


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise without its detour: under ASGI a page's request would change into a thread and back for it."""

    async_capable = True

    def __init__(self, get_response: Next, **options: Any) -> None:
        super().__init__(get_response, **options)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        return self._later(request) if self.is_async else super().__call__(request)

    async def _later(self, request: HttpRequest) -> object:
        result = self._find(request.path_info) if request.path_info.startswith(self.static_prefix) else None
        if result is None:
            return await self.get_response(request)
        return whole(self.serve(result, request))

    def _find(self, path: str) -> object:
        return self.find_file(path) if self.autorefresh else self.files.get(path)


def whole(response: StreamingHttpResponse) -> HttpResponse:
    """A small file's answer read at once: streaming it would cost a change of threads for each block."""
    answer = HttpResponse(b"".join(cast("Iterable[bytes]", response.streaming_content)), status=response.status_code)
    for name, value in response.items():
        answer.headers[name] = value
    response.close()
    return answer
