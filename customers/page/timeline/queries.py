"""The timeline of a customer, newest first: apps register the types of rows that they add."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from core.pagination import cursor_of, page_after
from core.refused import Refused
from core.registry import Registry
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Source:
    """A type of row. `rows` joins what is shown, in a constant number of queries; `at` is the column of its moment.

    `data` is what the API says of a row beside its type, id and moment; `template` is given `item`.
    """

    type: str
    label: str
    icon: str
    at: str
    template: str
    rows: Callable[[Customer], QuerySet[Model]]
    data: Callable[[Any], dict[str, object]]
    permission: str = "customers.view"


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the timeline."""

    type: str
    id: UUID
    at: datetime
    row: Model
    source: Source

    @property
    def data(self) -> dict[str, object]:
        return self.source.data(self.row)


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Item]
    next_cursor: str


class UnknownType(Refused):
    """The timeline has no rows of this type."""

    field = "types"

    def __init__(self, name: str) -> None:
        super().__init__(f"“{name[:40]}” is not a type. Use: {', '.join(_sources.names())}.")


_sources: Registry[Source] = Registry(
    "Kinds of entries of the timeline", name=lambda source: source.type, describe=lambda source: str(source.label)
)
register = _sources.register


def sources() -> list[Source]:
    """Every type, in the order of registration."""
    return list(_sources)


def page_of(
    customer: Customer, *, may: Callable[[str], bool], types: Iterable[str] = (), cursor: str = "", size: int = 25
) -> Page:
    """A page of the timeline: one query for each type. `may` says whether the caller has a permission.

    Raises UnknownType, and InvalidCursor for a cursor that does not come from this list.
    """
    requested = list(types)
    for name in requested:
        if name not in _sources:
            raise UnknownType(name)
    items: list[Item] = []
    more = False
    for source in _sources:
        if (requested and source.type not in requested) or not may(source.permission):
            continue
        # Each kind's rows begin where the last page ended: a cursor is a moment and an id, whatever the kind.
        page = page_after(source.rows(customer), cursor=cursor, size=size, order=(f"-{source.at}", "-id"))
        items += [Item(source.type, row.pk, getattr(row, source.at), row, source) for row in page.rows]
        more = more or bool(page.next_cursor)
    items.sort(key=lambda item: (item.at, str(item.id)), reverse=True)
    page_items = items[:size]
    has_next = more or len(items) > size
    return Page(page_items, cursor_of(page_items[-1].row, page_items[-1].source.at) if has_next and page_items else "")
