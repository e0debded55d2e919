"""Requests and answers of SCIM: bodies, the parameters of lists, and the shape of what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from accounts.scim import filters
from accounts.scim.errors import InvalidSyntax, InvalidValue, TooLarge
from accounts.scim.filters import Node
from accounts.scim.schemas import DEFAULT_COUNT, ERROR, LIST, MAX_COUNT, Resource
from accounts.scim.selection import Selection, selection_of
from core.text_safety import is_storable

MEDIA_TYPE: Final = "application/scim+json"
MAX_BODY: Final = 2_000_000
MAX_DEPTH: Final = 40
_MAX_INDEX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for; `start` begins at 1. Without `sort_by` it is in the order of its making."""

    node: Node | None
    start: int
    count: int
    sort_by: str
    is_descending: bool
    selection: Selection


def body_of(request: HttpRequest) -> object:
    """The body as JSON. Raises InvalidSyntax, TooLarge."""
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise TooLarge("The body is too large.") from error
    if len(raw) > MAX_BODY:
        raise TooLarge(f"A body has at most {MAX_BODY} bytes.")
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidSyntax("The body is no JSON.") from error
    _require_plain(body, 0)
    return body


def query_of(given: Mapping[str, object]) -> Query:
    """What the parameters of an address, or the body of a search, ask for. Raises InvalidFilter, InvalidValue."""
    text = given.get("filter")
    if text is not None and not isinstance(text, str):
        raise InvalidValue("filter: a text is expected.")
    return Query(
        node=filters.parse(text) if text and text.strip() else None,
        start=max(_number(given.get("startIndex"), "startIndex", 1), 1),
        count=min(max(_number(given.get("count"), "count", DEFAULT_COUNT), 0), MAX_COUNT),
        sort_by=filters.without_schema(str(given.get("sortBy") or ""))[1],
        is_descending=str(given.get("sortOrder") or "").lower() == "descending",
        selection=selection_of(given.get("attributes"), given.get("excludedAttributes")),
    )


def answer(resource: Resource, status: int = 200) -> HttpResponse:
    """A resource, or a message."""
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text.encode("utf-8", "replace"), status=status, content_type=MEDIA_TYPE)


def list_answer(resources: Sequence[Resource], total: int, start: int = 1) -> HttpResponse:
    """Some of a list, and how many there are."""
    return answer(
        {
            "schemas": [LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": list(resources),
        }
    )


def error_answer(status: int, detail: str, scim_type: str = "") -> HttpResponse:
    """What can't be done, and why (RFC 7644, section 3.12)."""
    body: Resource = {"schemas": [ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    response = answer(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _number(value: object, name: str, default: int) -> int:
    if value is None or value == "":
        return default
    try:
        number = int(str(value).strip()[:20])
    except ValueError as error:
        raise InvalidValue(f"{name}: a whole number is expected.") from error
    return max(min(number, _MAX_INDEX), -1)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON.")


def _require_plain(value: object, depth: int) -> None:
    """Raises InvalidSyntax for what is nested too deep, or has a text that can't be stored."""
    if depth > MAX_DEPTH:
        raise InvalidSyntax("The body is nested too deep.")
    if isinstance(value, str) and not is_storable(value):
        raise InvalidSyntax("The body has a character that can’t be stored.")
    if isinstance(value, dict):
        for name, part in value.items():
            _require_plain(name, depth)
            _require_plain(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _require_plain(part, depth + 1)
