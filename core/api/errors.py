"""API errors for which DRF has no exception."""

from __future__ import annotations

from rest_framework import exceptions, status

from core.outage import RETRY_AFTER_SECONDS


class Conflict(exceptions.APIException):
    """409: it conflicts with something, which the detail names."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "This conflicts with what is there."


class TooLarge(exceptions.APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large."


class Unavailable(exceptions.APIException):
    """503: try again later."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "This can’t be done right now. Try again in a moment."
    # DRF makes Retry-After of it.
    wait = RETRY_AFTER_SECONDS


def invalid(field: str, detail: str, *, code: str = "invalid") -> exceptions.ValidationError:
    """400 that names the field."""
    return exceptions.ValidationError({field: [exceptions.ErrorDetail(detail, code)]})
