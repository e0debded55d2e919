"""What the API answers to a refusal of a service: the handler of exceptions asks here, so no view has to."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from rest_framework import exceptions, serializers

from core.api.errors import invalid
from core.refused import Refused


def answer_to(refused: Refused, view: object) -> exceptions.APIException:
    """The exception that DRF answers with.

    The view may have a `member`, to whom the words are fitted, and `refused_fields`: its name for a field that the
    service calls otherwise.
    """
    detail = words_of(refused, view)
    if refused.status == 400:
        names: Mapping[str, str] = getattr(view, "refused_fields", {})
        return invalid(names.get(refused.field, refused.field) or "non_field_errors", detail, code=refused.code)
    if refused.status == 401:
        return _unauthorized(detail, refused.code, view)
    if refused.status == 429 and refused.retry_after is not None:
        return exceptions.Throttled(wait=refused.retry_after.total_seconds())
    answer = exceptions.APIException(detail, code=refused.code)
    answer.status_code = refused.status
    return answer


def words_of(refused: Refused, view: object) -> str:
    """The words for the caller; with the id of the record that stands in the way, where they may see it."""
    member = getattr(view, "member", None)
    record = refused.record_for(member)
    return refused.words_for(member) + (f" ({record})" if record else "")


@contextmanager
def as_field_error() -> Generator[None]:
    """Inside a serializer's field or `validate_…`: the refusal becomes an error of the field that is being checked."""
    try:
        yield
    except Refused as refused:
        raise serializers.ValidationError(str(refused)) from refused


def _unauthorized(detail: str, code: str, view: object) -> exceptions.APIException:
    """401 says how to authenticate (RFC 9110, section 15.5.2), which DRF adds to its own exceptions only."""
    answer = exceptions.AuthenticationFailed(detail, code=code)
    answer.auth_header = view.get_authenticate_header(view.request)  # type: ignore[attr-defined]
    return answer
