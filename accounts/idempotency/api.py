"""`Idempotency-Key`: what a view does with it; what is kept, and how long, is `accounts.idempotency.services`'s."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponseBase, QueryDict
from django.utils.crypto import salted_hmac
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.idempotency import services as idempotency
from accounts.models import Member
from accounts.models.idempotency import IdempotentCall
from core.api.errors import invalid

if TYPE_CHECKING:
    from accounts.access.api import OrganizationView

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_LENGTH = 255

Handler = Callable[..., HttpResponseBase]


def once(view: OrganizationView, handler: Handler) -> Handler:
    """The view's handler for a request with a key: done the first time, its answer given again from then on."""

    def answer(request: Request, *args: Any, **kwargs: object) -> HttpResponseBase:
        member: Member = view.member
        call = idempotency.reserve(
            organization=member.organization,
            key_hash=_digest([str(member.pk), request.method, request.path, _key_of(request)]),
            # Under the installation's key: a body may have a password in it, which a plain hash would let one guess.
            body_hash=salted_hmac("accounts.idempotency", _digest(_parts_of(request)), algorithm="sha256").hexdigest(),
        )
        if call.is_answered:
            return _again(call)
        return _first(view, call, lambda: handler(request, *args, **kwargs))

    return answer


def _first(view: OrganizationView, call: IdempotentCall, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        if view.is_done_in_one_transaction:
            with transaction.atomic():
                idempotency.renew(call)
                response = _kept(call, _done(view, work, atomic=True))
        else:
            response = _done(view, work, atomic=False)
            with transaction.atomic():
                _kept(call, response)
    except _NotKept as failed:
        idempotency.release(call)
        return failed.response
    except BaseException:
        idempotency.release(call)
        raise
    return response


class _NotKept(Exception):
    """An answer that says "try again": whoever does is the first again."""

    def __init__(self, response: HttpResponseBase) -> None:
        self.response = response


def _done(view: OrganizationView, work: Callable[[], HttpResponseBase], *, atomic: bool) -> HttpResponseBase:
    """The answer, a refusal's too; what a refused call wrote is rolled back."""
    try:
        if not atomic:
            return work()
        with transaction.atomic():
            return work()
    except Exception as error:  # noqa: BLE001 - what is no answer is raised again there
        response: HttpResponseBase = view.handle_exception(error)
        return response


def _kept(call: IdempotentCall, response: HttpResponseBase) -> HttpResponseBase:
    code = response.status_code
    if not isinstance(response, Response) or code >= 500 or code == status.HTTP_429_TOO_MANY_REQUESTS:
        raise _NotKept(response)
    body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    idempotency.store(call, status=code, headers=dict(response.headers), body=body)
    return response


def _again(call: IdempotentCall) -> Response:
    kept = idempotency.answer_of(call)
    body = json.loads(kept["body"]) if kept["body"] else None
    return Response(body, status=call.status, headers={**kept["headers"], REPLAYED: "true"})


def _key_of(request: Request) -> str:
    key = request.headers[HEADER]
    if not (1 <= len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise invalid(HEADER, f"1 to {MAX_LENGTH} printable ASCII characters are needed.")
    return key


def _parts_of(request: Request) -> Iterator[object]:
    """What makes a body the same: the query, the values, and of files what stands in them."""
    yield request.META.get("QUERY_STRING", "")
    data: Any = request.data
    if not isinstance(data, QueryDict):
        yield data
        return
    for name in sorted(data):
        for value in data.getlist(name):
            yield [name, _of_file(value) if isinstance(value, UploadedFile) else value]


def _of_file(file: UploadedFile) -> list[object]:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return [file.name, file.content_type, digest.hexdigest()]


def _digest(parts: Iterator[object] | list[object]) -> str:
    canonical = json.dumps(list(parts), cls=JSONEncoder, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
