"""A record as lists of several kinds show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Its code where it has one, what it is called, and its page."""

    code: str
    title: str
    url: str = ""
