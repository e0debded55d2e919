"""The API's exception handler: adds to that of drf-standardized-errors what it does not cover."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import NotFound

from core import outage
from core.api.errors import TooLarge, Unavailable
from core.api.refused import answer_to
from core.refused import Refused


class Handler(ExceptionHandler):
    """Knows Django's exception for a body over DATA_UPLOAD_MAX_MEMORY_SIZE too, which would be a 500.

    A 404 keeps its words, an outage of the database is a 503, and what a service refused is answered as it says.
    """

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if outage.is_outage(exc):
            outage.note(exc)
            return Unavailable(outage.message())
        if isinstance(exc, Refused):
            return answer_to(exc, self.context["view"])
        if isinstance(exc, RequestDataTooBig):
            return TooLarge(f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
        if isinstance(exc, Http404) and exc.args:
            # The library would lose the words.
            return NotFound(str(exc))
        return super().convert_known_exceptions(exc)
