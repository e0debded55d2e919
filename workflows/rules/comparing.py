"""Comparing the value that a record has with the one that a condition names: pure, and the same for every rule.

A field without a value is no error: nothing equals it, contains it, or is more than it, but null and "is empty".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from activity.payloads import Kind
from activity.rules import OPERATORS_OF

EQUALS: Final = ""
MAX_VALUES: Final = 100
MAX_TEXT_LENGTH: Final = 500
_NUMBERS = frozenset({Kind.NUMBER, Kind.AMOUNT})
_EMPTY: tuple[object, ...] = (None, "", [], ())


class WrongValue(ValueError):
    """The value is none that a field of this kind can be compared with; the text says what is needed."""


def is_empty(value: object) -> bool:
    """Whether a field has no value."""
    return value in _EMPTY


# --- When a rule is saved ---------------------------------------------------------------------------------------------


def check_value(kind: Kind, operator: str, value: object) -> None:
    """Raises WrongValue where the operator can't be used with this value for fields of the kind."""
    if operator != EQUALS and operator not in OPERATORS_OF[kind]:
        usable = ", ".join(OPERATORS_OF[kind])
        raise WrongValue(_("“%(operator)s” is no operator of this field. Use none, or: %(usable)s.")
                         % {"operator": operator[:40], "usable": usable})  # fmt: skip
    if operator == "isnull":
        _check_single(Kind.BOOLEAN, value)
    elif operator == "in":
        _check_list(kind, value)
    elif operator in (EQUALS, "neq") and (value is None or (kind == Kind.LIST and isinstance(value, list))):
        if value:
            _check_list(kind, value)
    else:
        _check_single(kind, value)
        if operator in ("contains", "icontains") and not str(value).strip():
            raise WrongValue(_("A text is needed, since every text contains an empty one."))


def _check_list(kind: Kind, value: object) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
        raise WrongValue(_("A list of 1 to %(count)s values is needed.") % {"count": MAX_VALUES})
    for entry in value:
        _check_single(kind, entry)


def _check_single(kind: Kind, value: object) -> None:
    if kind == Kind.BOOLEAN:
        if not isinstance(value, bool):
            raise WrongValue(_("true or false is needed."))
    elif kind in _NUMBERS:
        if _number(value) is None:
            raise WrongValue(_("A number is needed."))
    elif kind == Kind.TIME:
        if _moment(value) is None:
            raise WrongValue(_("A date or a time is needed, such as 2026-12-24 or 2026-12-24T18:00:00Z."))
    elif not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
        raise WrongValue(_("A text of at most %(count)s characters is needed.") % {"count": MAX_TEXT_LENGTH})


# --- When a rule is asked ---------------------------------------------------------------------------------------------


def holds(kind: Kind, operator: str, seen: object, expected: object) -> bool:
    """Whether the value that was seen compares with the expected one as the operator says. Never raises: a value of
    another kind than the field's, as an older version may have left it, compares with nothing."""
    if operator == "isnull":
        return is_empty(seen) is (expected is True)
    if operator == "neq":
        return not _equals(kind, seen, expected)
    if operator == EQUALS:
        return _equals(kind, seen, expected)
    if is_empty(seen):
        return False
    return _OPERATORS[operator](kind, seen, expected)


def _equals(kind: Kind, seen: object, expected: object) -> bool:
    if is_empty(seen) or is_empty(expected):
        return is_empty(seen) and is_empty(expected)
    if kind == Kind.LIST:
        words = _words(seen)
        return words == _words(expected) if isinstance(expected, list | tuple) else _folded(expected) in words
    if kind == Kind.BOOLEAN:
        return seen is expected
    if kind in _NUMBERS:
        number = _number(seen)
        return number is not None and number == _number(expected)
    if kind == Kind.TIME:
        moment = _moment(seen)
        return moment is not None and moment == _moment(expected)
    return str(seen) == str(expected)


def _is_one_of(kind: Kind, seen: object, expected: object) -> bool:
    return isinstance(expected, Collection) and any(_equals(kind, seen, entry) for entry in expected)


def _contains(kind: Kind, seen: object, expected: object) -> bool:
    return _folded(expected) in _words(seen) if kind == Kind.LIST else str(expected) in str(seen)


def _contains_in_any_case(kind: Kind, seen: object, expected: object) -> bool:
    part = _folded(expected)
    return any(part in word for word in _words(seen)) if kind == Kind.LIST else part in _folded(seen)


def _is_more(kind: Kind, seen: object, expected: object) -> bool:
    return _order(kind, seen, expected) > 0


def _is_less(kind: Kind, seen: object, expected: object) -> bool:
    return _order(kind, seen, expected) < 0


_OPERATORS: Mapping[str, Callable[[Kind, object, object], bool]] = {
    "in": _is_one_of,
    "contains": _contains,
    "icontains": _contains_in_any_case,
    "gt": _is_more,
    "lt": _is_less,
}


def _order(kind: Kind, seen: object, expected: object) -> int:
    """-1, 0 or 1; 0 too where the two can't be ordered."""
    if kind == Kind.TIME:
        moments = _moment(seen), _moment(expected)
        if moments[0] is None or moments[1] is None:
            return 0
        return (moments[0] > moments[1]) - (moments[0] < moments[1])
    numbers = _number(seen), _number(expected)
    if numbers[0] is None or numbers[1] is None:
        return 0
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def _folded(value: object) -> str:
    return str(value).casefold()


def _words(value: object) -> frozenset[str]:
    """Tags and choices are the same in any case."""
    return frozenset(map(_folded, value if isinstance(value, list | tuple) else [value]))


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str) or len(str(value)) > 40:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(value: object) -> datetime | None:
    """The moment of a time or of the first of a day; without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value) or parse_date(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return datetime.combine(value, time.min, UTC) if isinstance(value, date) else None
