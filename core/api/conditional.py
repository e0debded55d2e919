"""Changes under a condition: a record's `ETag`, and `If-Match` that refuses a change to what somebody changed first.

RFC 9110, sections 8.8.3 and 13.1.1: tags are compared strongly, `*` matches whatever is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

from django.utils.http import parse_etags
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder


class PreconditionFailed(exceptions.APIException):
    """412: the record is not the one that the caller read."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "Somebody changed this first. Read it again, then decide what to change."


def etag_of(data: object, leave_out: Collection[str] = frozenset()) -> str:
    """The tag of a record as the API answers it: equal for equal values, whatever their order.

    `leave_out` names fields whose change is nobody's conflict.
    """
    if leave_out and isinstance(data, Mapping):
        data = {name: value for name, value in data.items() if name not in leave_out}
    canonical = json.dumps(data, cls=JSONEncoder, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f'"{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"'


def is_conditional(request: Request) -> bool:
    """Whether the caller set a condition, so that the record has to be read and locked before it is changed."""
    return "If-Match" in request.headers


def require_match(request: Request, etag: str) -> None:
    """Call it in the transaction of the change, with the tag of the locked row. Raises PreconditionFailed."""
    if is_conditional(request):
        expected = parse_etags(request.headers["If-Match"])
        if expected != ["*"] and etag not in expected:
            raise PreconditionFailed


class ConditionalMixin:
    """Of a view of one record: its answers carry the tag, its changes obey `If-Match`; the schema says so."""

    etag_leaves_out: Collection[str] = frozenset()

    def require_match(self, request: Request, data: object) -> None:
        """`data`: the locked record, as the view would answer it now. Raises PreconditionFailed."""
        require_match(request, etag_of(data, self.etag_leaves_out))

    def tagged(self, data: object, status: int = 200) -> Response:
        """The record's answer with its tag."""
        return Response(data, status=status, headers={"ETag": etag_of(data, self.etag_leaves_out)})
