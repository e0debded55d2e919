"""A filter as the database asks it: a condition on the rows of members or teams, never a walk over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from accounts.models import Member
from accounts.scim.errors import InvalidFilter
from accounts.scim.filters import Both, Comparison, Either, Inside, Node, Not, Scalar

Condition = Callable[[str, Scalar], Q]

NOTHING: Final = Q(pk__in=[])
_TEXT: Final = {
    "co": "icontains", "sw": "istartswith", "ew": "iendswith", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte",
}  # fmt: skip
_ORDERED: Final = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}


def condition(node: Node, attributes: Mapping[str, Condition]) -> Q:
    """The filter over these attributes, by their names in small letters. Raises InvalidFilter."""
    match node:
        case Both():
            return condition(node.left, attributes) & condition(node.right, attributes)
        case Either():
            return condition(node.left, attributes) | condition(node.right, attributes)
        case Not():
            return ~condition(node.inner, attributes)
        case Inside():
            below = f"{node.path}."
            inner = {name.removeprefix(below): one for name, one in attributes.items() if name.startswith(below)}
            if not inner:
                raise InvalidFilter(f"Nothing can be asked of {node.path[:40]}.")
            return condition(node.inner, inner)
        case Comparison():
            return _compared(node, attributes)


def _compared(node: Comparison, attributes: Mapping[str, Condition]) -> Q:
    asked = attributes.get(node.path)
    if asked is None:
        raise InvalidFilter(f"Nobody can look for {node.path[:40]}.")
    # What is not there is not equal to anything, and so is among the rest.
    return ~asked("eq", node.value) if node.operator == "ne" else asked(node.operator, node.value)


def text(column: str, *, is_exact: bool = False, exact: str = "") -> Condition:
    """A text of the row. `exact` names an alias of it in small letters that has an index, for `eq`."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr":
            return ~Q(**{column: ""}) & Q(**{f"{column}__isnull": False})
        if value is None and operator == "eq":
            return Q(**{column: ""}) | Q(**{f"{column}__isnull": True})
        if not isinstance(value, str):
            raise InvalidFilter("A text is compared with a text in quotation marks.")
        if operator == "eq":
            if exact:
                return Q(**{exact: value.lower()})
            return Q(**{column if is_exact else f"{column}__iexact": value})
        return Q(**{f"{column}__{_TEXT[operator]}": value})

    return ask


def key(column: str) -> Condition:
    """An id of ours, which is equal or not."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr":
            return Q(**{f"{column}__isnull": False})
        if operator != "eq":
            raise InvalidFilter("An id is equal, or it is not: ask with eq.")
        try:
            return Q(**{column: UUID(str(value))})
        except ValueError:
            return NOTHING

    return ask


def belonging(mine: str, other: str) -> Condition:
    """That a member belongs to a team with this id, or a team has this member: `mine` and `other` are the columns of
    the table between them. A look-up of its own, so that who belongs to several is found once."""

    def ask(operator: str, value: Scalar) -> Q:
        between = Member.teams.through._base_manager.all()
        return Q(pk__in=between.filter(key(other)(operator, value)).values(mine))

    return ask


def boolean(column: str) -> Condition:
    """Something that is so or not; `"True"` is understood."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr":
            return ~NOTHING
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower())
        if operator != "eq" or not isinstance(value, bool):
            raise InvalidFilter("What is true or false is compared by eq with true or false.")
        return Q(**{column: value})

    return ask


def moment(column: str) -> Condition:
    """A time of the row, compared with one as RFC 3339 writes it."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr":
            return ~NOTHING
        try:
            at = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            at = None
        if at is None or is_naive(at) or operator not in _ORDERED:
            raise InvalidFilter("A time is compared with one such as 2026-11-30T12:00:00Z.")
        return Q(**{f"{column}__{_ORDERED[operator]}": at})

    return ask


def constant(fixed: Scalar) -> Condition:
    """What is the same for every row, such as the type of the one address that there is."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr":
            return ~NOTHING
        if operator != "eq":
            raise InvalidFilter("This can be asked by eq only.")
        return ~NOTHING if str(value).lower() == str(fixed).lower() else NOTHING

    return ask


def either(*asked: Condition) -> Condition:
    """Whether any of several places has it; `pr` and `eq null` are about the first."""

    def ask(operator: str, value: Scalar) -> Q:
        if operator == "pr" or value is None:
            return asked[0](operator, value)
        result = Q()
        for one in asked:
            result |= one(operator, value)
        return result

    return ask
