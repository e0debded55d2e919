"""Values that may be None by their type, but not by the query or constraint that they come from."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def not_none(value: T | None) -> T:
    """The value; the caller's query or the database's constraint guarantees it. Raises ValueError for none."""
    if value is None:
        raise ValueError("A value is missing that the query or a constraint should guarantee.")
    return value
