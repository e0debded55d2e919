"""Values that the type says may be none, and that a query or a constraint says are there."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def not_none(value: T | None) -> T:
    """The value; the caller's query or the database's constraint guarantees it. Raises ValueError for none."""
    if value is None:
        raise ValueError("A value is missing that the query or a constraint should guarantee.")
    return value
