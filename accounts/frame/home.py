"""Home: what waits for a member now. Apps register their sections in their subscribers.

A section gives its rows as a queryset within reach, and says how one is shown. All counts of the page are one query,
and each section's first rows are one more. The rows of all sections together, in the order to do them, are what is
next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from django.db.models import QuerySet

from accounts.models import Member
from accounts.permissions import Reach
from core.counting import capped_counts
from core.registry import Registry, path_of

SHOWN = 6
NEXT = 8
COUNTED_TO = 100


class Scope(StrEnum):
    """Whose: one's own, or everybody's within reach."""

    MINE = "mine"
    ALL = "all"


class Urgency(IntEnum):
    """What comes first. Within one, what has waited longest."""

    CLOSING = 0
    LATE = 1
    TODAY = 2
    OPEN = 3


@dataclass(frozen=True, slots=True)
class Row:
    """Something that waits. `url` is its place; `at` since when or until when; `person` and `key` make its face.

    `about` tells rows on one matter (a customer's id): what is next names it once.
    """

    title: str
    url: str
    detail: str
    at: datetime
    urgency: Urgency
    about: str
    person: str = ""
    key: str = ""
    mark: str = ""
    action: str = "Open"


@dataclass(frozen=True, slots=True)
class Section:
    """`rows` in the order to do them; `show` makes a Row of one; `url` is where all of them are.

    One that `is_trouble` is shown only while there is some.
    """

    key: str
    label: str
    icon: str
    permission: str
    position: int
    rows: Callable[[Member, Scope], QuerySet | None]
    show: Callable[[Member, Any], Row]
    url: Callable[[Member, Scope], str]
    empty: str
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A section with its first rows, and how many there are, COUNTED_TO at most."""

    section: Section
    rows: list[Row]
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Next:
    """A row among what is next, with the section that it is of."""

    row: Row
    section: Section


_sections: Registry[Section] = Registry(
    "Sections of home",
    name=lambda section: section.key,
    order=lambda section: section.position,
    describe=lambda section: str(section.label),
)
_owning: Registry[Callable[[Member], bool]] = Registry("Asked whether a member owns records", name=path_of)
register = _sections.register


def register_owning(owns: Callable[[Member], bool]) -> None:
    """Have `owns` asked whether a member has records of their own: then home begins with those."""
    _owning.register(owns)


def scopes_of(member: Member) -> list[tuple[Scope, str]]:
    """What a member may choose from; one's own only, where one sees nothing else."""
    if member.reach == Reach.ASSIGNED:
        return [(Scope.MINE, "Mine")]
    return [(Scope.MINE, "Mine"), (Scope.ALL, "Team" if member.reach == Reach.TEAM else "Everyone")]


def scope_of(member: Member, asked: str) -> Scope:
    """The scope asked for; else the team's for who leads one, and one's own for who owns records."""
    if member.reach == Reach.ASSIGNED:
        return Scope.MINE
    if asked in set(Scope):
        return Scope(asked)
    if member.reach == Reach.TEAM:
        return Scope.ALL
    return Scope.MINE if any(owns(member) for owns in _owning) else Scope.ALL


def find(member: Member, scope: Scope) -> list[Found]:
    """Every section that the member may see, in order."""
    requested = []
    for section in _sections:
        rows = section.rows(member, scope) if member.may(section.permission) else None
        if rows is not None:
            requested.append((section, rows))
    counts = capped_counts({section.key: rows for section, rows in requested}, cap=COUNTED_TO)
    return [
        Found(
            section,
            [section.show(member, row) for row in rows[:SHOWN]] if counts[section.key] else [],
            counts[section.key],
            section.url(member, scope),
        )
        for section, rows in requested
        if counts[section.key] or not section.is_trouble
    ]


def next_of(sections: Iterable[Found]) -> list[Next]:
    """What to do next, of all sections, the most urgent first; a matter once."""
    every = [Next(row, one.section) for one in sections for row in one.rows]
    chosen: dict[str, Next] = {}
    for one in sorted(every, key=lambda each: (each.row.urgency, each.row.at)):
        chosen.setdefault(one.row.about, one)
    return list(chosen.values())[:NEXT]
