"""An outage of the database is answered by 503 and "try again in a moment", not by an error of ours.

Outages are recognized by SQLSTATE classes of PostgreSQL and result codes of SQLite. A statement that is wrong
stays a 500.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error as default_server_error

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5
# PostgreSQL, appendix A: 08 connection, 53 out of resources (disk full, too many connections), 57 operator intervention
# (shut down, crashed, starting; cancelled by a time-out), 58 system error, 40001 and 40P01 serialization and deadlock,
# 55P03 lock not available, 25P03 and 25P04 ended for idling in a transaction or for its length.
_CLASSES: Final = ("08", "53", "57", "58")
_STATES: Final = ("40001", "40P01", "55P03", "25P03", "25P04")
# sqlite.org/rescode.html, the primary codes: BUSY, LOCKED, IOERR, FULL, CANTOPEN.
_SQLITE_CODES: Final = (5, 6, 10, 13, 14)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database could not be asked, or could not answer in time; the same request may succeed later."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if connection.vendor == "sqlite":
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_CODES
    state = getattr(cause, "sqlstate", None)
    # No state: the connection broke, none could be made, or the pool had none left.
    return not state or state.startswith(_CLASSES) or state in _STATES


class OutageMiddleware:
    """Answers 503 where a view raised an outage of the database."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A 503 for an outage; None for anything else."""
        return answer(request, exception) if is_outage(exception) else None


def answer(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A 503 with Retry-After, as JSON or HTML as the caller accepts. Uses no database."""
    note(error)
    text = message()
    response: HttpResponse
    if request.path.startswith("/api/"):
        body = {"type": "server_error", "errors": [{"code": "unavailable", "detail": text, "attr": None}]}
        response = JsonResponse(body, status=503)
    elif request.path.startswith("/webhooks/") or request.headers.get("HX-Request"):
        response = HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    return response


def message() -> str:
    """The text for the caller."""
    return _("The database can’t be reached just now. Nothing that was saved is lost. Try again in a moment.")


def note(error: BaseException) -> None:
    """Log the outage, and close broken connections."""
    logger.error("database_unavailable", extra={"reason": f"{type(error).__name__}: {error}"[:500]})
    pool = getattr(connection, "pool", None)
    if pool is not None:
        from core.postgresql import discard_broken  # psycopg is loaded only where PostgreSQL is used

        discard_broken(pool)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for exceptions that no view or middleware caught."""
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        return answer(request, error)
    return default_server_error(request)
