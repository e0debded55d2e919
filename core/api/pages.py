"""Pages of a list: by number, by offset, or by a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from core import pagination
from core.api.errors import invalid

DEFAULT_SIZE = 25
LARGEST_SIZE = 200
# Beyond it an OFFSET would make the database read and drop rows for longer than anybody waits.
LARGEST_OFFSET = 100_000


class NumberedPages(BasePagination):
    """`page` and `page_size`, or `limit` and `offset`; answers `count`, `next`, `previous`, `results`."""

    def paginate_queryset(self, queryset: Any, request: Request, view: object = None) -> list[Any]:
        self.request = request
        self.by_offset = "limit" in request.query_params or "offset" in request.query_params
        if self.by_offset:
            self.size = _number(request, "limit", DEFAULT_SIZE, 1, LARGEST_SIZE)
            self.start = _number(request, "offset", 0, 0, LARGEST_OFFSET)
        else:
            self.size = _number(request, "page_size", DEFAULT_SIZE, 1, LARGEST_SIZE)
            self.start = (_number(request, "page", 1, 1, LARGEST_OFFSET // self.size + 1) - 1) * self.size
        self.count = queryset.count()
        # A list that ends within its first page needs no second look.
        return list(queryset[self.start : self.start + self.size]) if self.start < self.count else []

    def get_paginated_response(self, data: object) -> Response:
        following = self.start + self.size
        return Response(
            {
                "count": self.count,
                "next": self._link(following) if following < self.count else None,
                "previous": self._link(max(self.start - self.size, 0)) if self.start else None,
                "results": data,
            }
        )

    def _link(self, start: int) -> str:
        url = self.request.build_absolute_uri()
        if self.by_offset:
            return replace_query_param(url, "offset", start)
        return replace_query_param(url, "page", start // self.size + 1)

    def get_paginated_response_schema(self, schema: Mapping[str, object]) -> dict[str, object]:
        return _schema(schema, count={"type": "integer", "example": 123})

    def get_schema_operation_parameters(self, view: object) -> list[dict[str, object]]:
        return [
            _parameter("page", "integer", "From 1.", minimum=1),
            _parameter(
                "page_size", "integer", "Rows on a page.", minimum=1, maximum=LARGEST_SIZE, default=DEFAULT_SIZE
            ),
            _parameter("limit", "integer", "Instead of page_size.", minimum=1, maximum=LARGEST_SIZE),
            _parameter("offset", "integer", "Instead of page.", minimum=0, maximum=LARGEST_OFFSET),
        ]


class CursorPages(BasePagination):
    """`cursor` and `page_size`; answers `next`, `previous`, `results`, in the view's `cursor_order`."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        cursor = request.query_params.get("cursor", "")
        order: tuple[str, str] = view.cursor_order
        self.page = pagination.page_after(queryset, cursor=cursor, size=page_size(request), order=order)
        return list(self.page.rows)

    def get_paginated_response(self, data: object) -> Response:
        return cursor_page(self.request, self.page.next_cursor, data)

    def get_paginated_response_schema(self, schema: Mapping[str, object]) -> dict[str, object]:
        return _schema(schema)

    def get_schema_operation_parameters(self, view: object) -> list[dict[str, object]]:
        return [
            _parameter("cursor", "string", "From the last page's `next`."),
            _parameter(
                "page_size", "integer", "Rows on a page.", minimum=1, maximum=LARGEST_SIZE, default=DEFAULT_SIZE
            ),
        ]


def cursor_page(request: Request, next_cursor: str, data: object) -> Response:
    """One page of a list that pages by a cursor, where another comes after it (`next_cursor`) or none does ("")."""
    url = request.build_absolute_uri()
    following = replace_query_param(url, "cursor", next_cursor) if next_cursor else None
    # A cursor says where the next page begins; the way back is to the beginning.
    previous = remove_query_param(url, "cursor") if "cursor" in request.query_params else None
    return Response({"next": following, "previous": previous, "results": data})


def page_size(request: Request) -> int:
    """How many rows a cursor's page has. Raises 400."""
    name = "limit" if "limit" in request.query_params else "page_size"
    return _number(request, name, DEFAULT_SIZE, 1, LARGEST_SIZE)


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
        raise invalid(name, f"A whole number from {least} to {most} is needed.")
    return int(text)


def _schema(schema: Mapping[str, object], **more: object) -> dict[str, object]:
    link = {"type": ["string", "null"], "format": "uri"}
    properties = {**more, "next": link, "previous": link, "results": schema}
    return {"type": "object", "required": list(properties), "properties": properties}


def _parameter(name: str, kind: str, text: str, **limits: object) -> dict[str, object]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": kind, **limits}}
