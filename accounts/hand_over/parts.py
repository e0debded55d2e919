"""What can be a person's, and is somebody else's after a hand-over: apps register their kinds of records here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from accounts.models import Member, User
from activity.actor import Actor
from core.lines import Line
from core.registry import Registry

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Handing:
    """From whom, to whom, on whose word; `successor` is an active member of the same organization."""

    leaver: User
    successor: User
    actor: Actor


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """A kind of record with an owner.

    `rows` are all that a user owns in the open organization, in no order; `visible` all of the kind that a
    member sees. `give` hands one over: it locks the row, looks whether it still is the
    leaver's and returns False where it is not; it may raise a Refused or Http404 for one that can't be given. `end`
    does the same by cancelling it, where that makes sense.

    A kind without `give` has no owner of its own: it goes along with the kind that `goes_with` names, and `along` gives
    its records by the ids of those.

    `permission` is what handing over needs, `seen_by` what the successor needs to look at them.
    """

    name: str
    label: str | Promise
    position: int
    permission: str
    seen_by: str
    rows: Callable[[User], QuerySet[Row]]
    visible: Callable[[Member], QuerySet[Row]]
    line: Callable[[Row], Line]
    give: Callable[[Row, Handing], bool] | None = None
    end: Callable[[Row, Handing], bool] | None = None
    goes_with: str = ""
    along: Callable[[Collection[UUID]], QuerySet[Row]] | None = None
    # False where the rows only name the person: then a successor need not see them.
    is_owned: bool = True
    # What `line` and `give` read beside the row.
    relations: tuple[str, ...] = ("organization",)
    # In which order rows are locked: the same in which everybody else locks what they depend on.
    lock_order: Callable[[Row], str] = lambda row: str(row.pk)


PARTS: Registry[Part[Model]] = Registry(
    "What a hand-over gives to somebody else",
    name=lambda part: part.name,
    order=lambda part: part.position,
    describe=lambda part: str(part.label),
)


def register(part: Part[Row]) -> None:
    """Add a kind. Raises RegisteredTwice."""
    PARTS.register(cast("Part[Model]", part))


def own_parts() -> list[Part[Model]]:
    """The kinds that are handed over by themselves, in order."""
    return [part for part in PARTS if part.give is not None]


def parts_along(name: str) -> list[Part[Model]]:
    """The kinds that go along with this one."""
    return [part for part in PARTS if part.goes_with == name]
