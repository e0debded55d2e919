"""Keyset paging: the next page begins after the last row's key, so that the thousandth is as quick as the first."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from django.db import models
from django.db.models import Q

from core.refused import Refused
from core.text_safety import is_storable

Row = TypeVar("Row", bound=models.Model)
Key = datetime | date | Decimal | int | str | None

MAX_CURSOR_LENGTH = 2000
LARGEST_NUMBER = 2**63 - 1


class InvalidCursor(Refused):
    """The cursor does not come from this list."""

    field = "cursor"
    is_of_address = True


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the cursor after which the next ones begin (empty at the end)."""

    rows: Sequence[Row]
    next_cursor: str


def page_after(
    queryset: models.QuerySet[Row],
    *,
    cursor: str,
    size: int,
    order: tuple[str, str] = ("-created_at", "-id"),
    is_filled: bool = False,
) -> Page[Row]:
    """A page of `size` rows in the order of two fields, both falling or both rising.

    The first is a moment, a day, a number or a text, the second the id. Where the first may be null, rows without it
    stand last in either direction. Takes one query, two where a page reaches from the rows with a value into those
    without; with `is_filled` the caller has left those without one out already, and it is one. What is prefetched is
    asked once, for the rows of the page.
    Raises InvalidCursor for a cursor that is none of ours.
    """
    if {order[0].startswith("-"), order[1].startswith("-")} not in ({True}, {False}):
        raise ValueError("Both fields of the order go the same way.")
    first, second = (name.lstrip("-") for name in order)
    field = cast("models.Field", queryset.model._meta.get_field(first))
    after = decode_cursor(cursor, field) if cursor else None
    is_nullable = bool(getattr(field, "null", False)) and not is_filled
    rows: list[Row] = []
    prefetched: tuple[Any, ...] = queryset._prefetch_related_lookups  # type: ignore[attr-defined]
    queryset = queryset.prefetch_related(None)
    if after is None or after[0] is not None:
        # Null is asked for apart: neither the order nor the condition of an index would hold with both in one.
        valued = queryset.filter(**{f"{first}__isnull": False}) if is_nullable else queryset
        rows = list(_after(valued, after, order).order_by(*order)[: size + 1])
    if is_nullable and len(rows) <= size:
        empty = queryset.filter(**{f"{first}__isnull": True})
        if after is not None and after[0] is None:
            empty = empty.filter(**{f"{second}__{'lt' if order[1].startswith('-') else 'gt'}": after[1]})
        rows += list(empty.order_by(order[1])[: size + 1 - len(rows)])
    more = len(rows) > size
    rows = rows[:size]
    models.prefetch_related_objects(rows, *prefetched)
    return Page(rows, cursor_of(rows[-1], first, second) if more and rows else "")


def cursor_of(row: models.Model, first: str = "created_at", second: str = "id") -> str:
    """The cursor that stands for this row."""
    value = getattr(row, first)
    key = value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    text = json.dumps([key, str(getattr(row, second))])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(
    queryset: models.QuerySet[Row], after: tuple[Key, str] | None, order: tuple[str, str]
) -> models.QuerySet[Row]:
    if after is None:
        return queryset
    value, key = after
    first, second = (name.lstrip("-") for name in order)
    way = "lt" if order[0].startswith("-") else "gt"
    # The redundant first condition lets the database start in the index where the page starts.
    return queryset.filter(**{f"{first}__{way}e": value}).filter(
        Q(**{f"{first}__{way}": value}) | Q(**{first: value, f"{second}__{way}": key})
    )


def decode_cursor(cursor: str, field: models.Field) -> tuple[Key, str]:
    """The value and the id that a cursor on this field stands for. Raises InvalidCursor."""
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        value, key = json.loads(base64.urlsafe_b64decode(padded))
        return _key(value, field), str(UUID(key))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise InvalidCursor("This cursor is not one that the list gave.") from error


def _key(value: Any, field: models.Field) -> Key:
    """The value as the field compares it. Raises ValueError or TypeError for one that is not of its kind."""
    if value is None:
        if not field.null:
            raise ValueError("null")
        return None
    if isinstance(field, models.DateTimeField):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("naive")
        return moment.astimezone(UTC)
    if isinstance(field, models.DateField):
        return date.fromisoformat(value)
    if isinstance(field, models.DecimalField):
        return _decimal(value, field)
    if isinstance(field, models.IntegerField):
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
            raise ValueError("not a number")
        return value
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError("not a text")
    return value


def _decimal(value: object, field: models.DecimalField) -> Decimal:
    # With a sign and a point: nothing longer was given out.
    number = Decimal(value) if isinstance(value, str) and len(value) <= field.max_digits + 2 else Decimal("NaN")
    if not number.is_finite() or number.adjusted() >= field.max_digits:
        raise ValueError("not a number")
    return number
