"""The conditions of a rule: a tree of comparisons, parsed once, checked when the rule is saved and pure to evaluate.

Two spellings mean the same. A plain object: every entry must hold, its key is a field or a field and an operator
(`message_body__icontains`). Or `all`, `any` and `not` with `field`, `op` and `value`, one inside another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from activity.payloads import Kind
from activity.rules import OPERATORS
from core.refused import Invalid
from workflows.rules import comparing
from workflows.rules.comparing import EQUALS, WrongValue

MAX_COMPARISONS: Final = 50
MAX_DEPTH: Final = 5
GROUPS: Final = ("all", "any", "not")


class InvalidConditions(Invalid):
    """The conditions can't be asked; the field is the place in them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field of the facts, the operator (EQUALS or one of activity.rules.OPERATORS), and the value it names."""

    field: str
    operator: str
    value: object


@dataclass(frozen=True, slots=True)
class Group:
    """`all`: every part holds; `any`: one does; `not`: its one part does not. `all` of nothing holds."""

    how: str
    parts: tuple[Condition, ...]


Condition = Comparison | Group


@dataclass(frozen=True, slots=True)
class Seen:
    """What a comparison saw: the field's value at that moment, and whether it held."""

    comparison: Comparison
    value: object
    holds: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the conditions hold, and what each comparison saw that was asked, in their order."""

    holds: bool
    seen: tuple[Seen, ...]

    @property
    def reasons(self) -> tuple[Seen, ...]:
        """The comparisons that did not hold; nothing where the conditions did."""
        return () if self.holds else tuple(entry for entry in self.seen if not entry.holds) or self.seen


@dataclass(frozen=True, slots=True)
class AskedField:
    """A field that conditions may ask for: its kind, and the values that it can have where these are known."""

    name: str
    label: str
    kind: Kind
    choices: Mapping[str, str] | None = None


Facts = Callable[[str], object]


def parse(data: object, *, path: str = "conditions") -> Condition:
    """The tree of what was stored or sent. Raises InvalidConditions for a shape that is none."""
    condition = _parse(data, path, depth=1)
    if sum(1 for _comparison in comparisons(condition)) > MAX_COMPARISONS:
        raise InvalidConditions(path, _("At most %(count)s comparisons.") % {"count": MAX_COMPARISONS})
    return condition


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison, in order."""
    if isinstance(condition, Comparison):
        yield condition
        return
    for part in condition.parts:
        yield from comparisons(part)


def check(condition: Condition, fields: Mapping[str, AskedField], *, path: str = "conditions") -> None:
    """Whether every comparison asks for a field that there is, by an operator and a value of its kind.

    Raises InvalidConditions, whose field names the comparison's.
    """
    for comparison in comparisons(condition):
        place = f"{path}.{comparison.field}"
        field = fields.get(comparison.field)
        if field is None:
            raise InvalidConditions(place, _unknown(comparison.field, fields))
        try:
            comparing.check_value(field.kind, comparison.operator, comparison.value)
        except WrongValue as error:
            raise InvalidConditions(place, str(error)) from error
        _check_choices(comparison, field, place)


def _unknown(name: str, fields: Mapping[str, AskedField]) -> str:
    field, _separator, operator = name.rpartition("__")
    if field in fields:
        text = _("“%(name)s” is not an operator. Use: %(names)s.")
        return text % {"name": operator[:40], "names": ", ".join(OPERATORS)}
    text = _("“%(name)s” can’t be asked for with this trigger. Use: %(names)s.")
    return text % {"name": name[:80], "names": ", ".join(fields)}


def _check_choices(comparison: Comparison, field: AskedField, place: str) -> None:
    """A value that the field can never have is a mistake, not a condition that never holds."""
    if field.choices is None or comparison.operator not in (EQUALS, "neq", "in"):
        return
    values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
    for value in values:
        if value is not None and value not in field.choices:
            text = _("“%(value)s” is none of: %(names)s.")
            names = ", ".join(field.choices) or _("none there yet")
            raise InvalidConditions(place, text % {"value": str(value)[:80], "names": names})


def evaluate(condition: Condition, facts: Facts, kinds: Mapping[str, Kind]) -> Verdict:
    """Ask the comparisons until the answer is known, as `and` and `or` do. Pure as far as `facts` is.

    A field whose kind is not known any more (an own field that was deleted) has no value.
    """
    seen: list[Seen] = []
    return Verdict(_holds(condition, facts, kinds, seen), tuple(seen))


def _holds(condition: Condition, facts: Facts, kinds: Mapping[str, Kind], seen: list[Seen]) -> bool:
    if isinstance(condition, Comparison):
        kind = kinds.get(condition.field)
        value = None if kind is None else facts(condition.field)
        result = comparing.holds(kind or Kind.TEXT, condition.operator, value, condition.value)
        seen.append(Seen(condition, value, result))
        return result
    answers = (_holds(part, facts, kinds, seen) for part in condition.parts)
    if condition.how == "not":
        return not next(answers)
    return all(answers) if condition.how == "all" else any(answers)


def _parse(data: object, path: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise InvalidConditions(path, _("Groups go at most %(count)s deep.") % {"count": MAX_DEPTH})
    if not isinstance(data, Mapping):
        raise InvalidConditions(path, _("An object is needed."))
    groups = [name for name in GROUPS if name in data]
    if not groups:
        return _comparison(data, path) if "field" in data else _plain(data, path)
    if len(data) > 1:
        raise InvalidConditions(path, _("“%(name)s” stands alone in its object.") % {"name": groups[0]})
    (how,) = groups
    parts = data[how]
    if how == "not":
        return Group("not", (_parse(parts, f"{path}.not", depth + 1),))
    if not isinstance(parts, list) or not 0 < len(parts) <= MAX_COMPARISONS:
        text = _("A list of 1 to %(count)s conditions is needed.")
        raise InvalidConditions(f"{path}.{how}", text % {"count": MAX_COMPARISONS})
    return Group(how, tuple(_parse(part, f"{path}.{how}[{n}]", depth + 1) for n, part in enumerate(parts)))


def _comparison(data: Mapping[object, object], path: str) -> Comparison:
    unknown = [str(name) for name in data if name not in ("field", "op", "value")]
    if unknown:
        raise InvalidConditions(f"{path}.{unknown[0][:80]}", _("A comparison has a field, an op and a value."))
    field, operator = data["field"], data.get("op", EQUALS)
    if not isinstance(field, str) or not isinstance(operator, str):
        raise InvalidConditions(path, _("field and op are texts."))
    if "value" not in data:
        raise InvalidConditions(f"{path}.value", _("This is needed."))
    return Comparison(field, "" if operator == "eq" else operator, data["value"])


def _plain(data: Mapping[object, object], path: str) -> Group:
    if len(data) > MAX_COMPARISONS:
        raise InvalidConditions(path, _("At most %(count)s comparisons.") % {"count": MAX_COMPARISONS})
    return Group("all", tuple(_entry(str(name), value) for name, value in data.items()))


def _entry(name: str, value: object) -> Comparison:
    # From the right: the key of an own field may have two underscores in it.
    field, separator, operator = name.rpartition("__")
    if separator and operator in OPERATORS:
        return Comparison(field, operator, value)
    return Comparison(name, EQUALS, value)
