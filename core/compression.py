"""Pages go out compressed (gzip, RFC 9110 section 8.4.1.3), without giving away what is secret in them.

A compressed page's length says whether a guess that stands in it repeats a secret that stands in it too: BREACH
(CVE-2013-3587). It needs a browser that is signed in, made to ask for the page many times with a guess each. So:

- What another site makes a browser ask for is sent as it is.
- CSRF tokens are masked for each request by Django.
- A page that shows another secret says so with `@shows_secret` and is sent as it is.
- All others get up to MAX_PADDING_BYTES of random length (Django's `max_random_bytes`).

Only whole HTML pages are compressed: a stream must not wait in a buffer, files are compressed where it helps, and the
API's `ETag` is a strong one, which compressing would weaken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

MAX_PADDING_BYTES = 100
# Fetch Metadata (W3C): who made the browser ask. Sent by browsers since 2023 over HTTPS; others send nothing.
_OWN_REQUESTS = frozenset({"", "same-origin", "none"})
_API = "/api/"

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def shows_secret(view: View) -> View:
    """Mark a view whose pages show a secret other than a CSRF token: they are never compressed."""

    @wraps(view)
    def marked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.shows_secret = True  # type: ignore[attr-defined]
        return response

    return cast("View", marked)


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses the pages that `is_compressible`."""

    max_random_bytes = MAX_PADDING_BYTES

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not is_compressible(request, response):
            return response
        return super().process_response(request, response)


def is_compressible(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether this is a whole HTML page, of ours, without a secret, which our own pages or a person asked for."""
    return (
        not response.streaming
        and not getattr(response, "shows_secret", False)
        and response.headers.get("Content-Type", "").startswith("text/html")
        and not request.path.startswith(_API)
        and request.headers.get("Sec-Fetch-Site", "") in _OWN_REQUESTS
    )
