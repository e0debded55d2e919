"""Text that a database can't hold: NUL, which PostgreSQL refuses, and lone surrogates, which are no UTF-8.

What people and systems type in is refused with a sentence, here, for every page and call alike. What providers send is
cleaned instead (`messaging.channels.text`), since nothing inbound is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any
from urllib.parse import unquote

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils.decorators import sync_and_async_middleware
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

REASON = "The text holds a character that can’t be stored (NUL or half of a surrogate pair). Take it out and try again."
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# Providers call here, with whatever their users typed.
NOT_HERE = ("/webhooks/",)


def is_storable(text: str) -> bool:
    """Whether any database takes it."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


@sync_and_async_middleware
def storable_text_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], object]:
    """400 for a path, query or form with a character that can't be stored, before it becomes a 500."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponse:
            response: HttpResponse = _refusal(request) or await get_response(request)
            return response

        return later

    def now(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = _refusal(request) or get_response(request)
        return response

    return now


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if request.path.startswith(NOT_HERE) or all(map(is_storable, _texts(request))):
        return None
    if request.path.startswith("/api/"):
        error = {"code": "unstorable", "detail": REASON, "attr": None}
        return JsonResponse({"type": "client_error", "errors": [error]}, status=400)
    return HttpResponseBadRequest(REASON, content_type="text/plain; charset=utf-8")


class BoundedJSONParser(JSONParser):
    """JSON no deeper than can be read. Raises ParseError."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, object]:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - too deeply nested.") from error


class StorableJSONParser(BoundedJSONParser):
    """JSON whose texts can all be stored. Raises ParseError, which names the field."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, object]:
        data = super().parse(stream, media_type, parser_context)
        try:
            path = _unstorable(data)
        except RecursionError as error:
            raise ParseError("JSON parse error - too deeply nested.") from error
        if path is not None:
            raise ParseError(f"{path or 'body'}: {REASON}")
        return data


def _texts(request: HttpRequest) -> list[str]:
    texts = [request.path, unquote(request.META.get("QUERY_STRING", ""), errors="replace")]
    if request.method == "POST" and request.content_type in FORMS:
        texts += [text for key, values in request.POST.lists() for text in (key, *values)]
    return texts


def _unstorable(value: object, path: str = "") -> str | None:
    """The path to the first text that can't be stored."""
    if isinstance(value, str):
        return None if is_storable(value) else path
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        inner = f"{path}.{key}" if path else str(key)
        if not is_storable(str(key)):
            return path
        result = _unstorable(part, inner)
        if result is not None:
            return result
    return None
