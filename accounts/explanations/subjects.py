"""The kinds of records whose access is explained: apps register theirs, with the reasons beside the rules of reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from accounts.explanations.reasons import Reason
from accounts.models import Member
from core.lines import Line
from core.registry import Registry

Row = TypeVar("Row", bound=Model)
Reasons = dict[UUID, Reason]


@dataclass(frozen=True, slots=True)
class Subject(Generic[Row]):
    """A kind of record. `resource` is that of its permissions; `visible` all that a member sees.

    `reasons` says of one record why which of these members see it, by the member's id, in a constant number of queries;
    who has no reason does not see it: exactly those whom `visible` leaves out. Permissions are asked apart from it.
    """

    name: str
    resource: str
    label: str | Promise
    visible: Callable[[Member], QuerySet[Row]]
    reasons: Callable[[Row, Sequence[Member]], Reasons]
    line: Callable[[Row], Line]
    relations: tuple[str, ...] = ("organization",)


SUBJECTS: Registry[Subject[Model]] = Registry(
    "Records whose access is explained", name=lambda one: one.name, describe=lambda one: str(one.label)
)


def register(subject: Subject[Row]) -> None:
    """Add a kind. Raises RegisteredTwice."""
    SUBJECTS.register(cast("Subject[Model]", subject))
