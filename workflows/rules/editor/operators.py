"""The operators as the editor offers them: each with its opposite, so that nobody reads “not” around one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activity.payloads import Kind
from activity.rules import OPERATORS, OPERATORS_OF
from workflows.rules.comparing import EQUALS
from workflows.rules.conditions import Comparison, Condition, Group
from workflows.rules.words import IN_SENTENCES

NOT: Final = "not:"
IS: Final = "eq"
EMPTY: Final = "isnull"
NEGATED: Mapping[str, str | Promise] = {
    "contains": gettext_lazy("does not contain exactly"),
    "icontains": gettext_lazy("does not contain"),
    "in": gettext_lazy("is none of"),
    "gt": gettext_lazy("is not more than"),
    "lt": gettext_lazy("is not less than"),
    EMPTY: gettext_lazy("is not empty"),
}
# Of what has several values, such as tags.
OF_LISTS: Mapping[str, str | Promise] = {
    IS: gettext_lazy("has"),
    "neq": gettext_lazy("has not"),
    "in": gettext_lazy("has one of"),
    f"{NOT}in": gettext_lazy("has none of"),
    "icontains": gettext_lazy("has one with the text"),
    f"{NOT}icontains": gettext_lazy("has none with the text"),
}


def offered(kind: Kind, *, has_choices: bool) -> dict[str, str]:
    """The operators for fields of this kind, each with its label; the plain ones first."""
    names = [name for name in OPERATORS_OF[kind] if not (has_choices and name in ("contains", "icontains"))]
    if kind == Kind.LIST:
        # For a list the two ask the same as “has”.
        names = [name for name in names if name != "contains"]
    names.sort(key=lambda name: ("neq", "icontains", "contains", "in", "gt", "lt", EMPTY).index(name))
    result = {IS: _label(IS, kind)}
    for name in names:
        result[name] = _label(name, kind)
        if name != "neq":
            result[f"{NOT}{name}"] = _label(f"{NOT}{name}", kind)
    return result


def _label(name: str, kind: Kind) -> str:
    if kind == Kind.LIST and name in OF_LISTS:
        return str(OF_LISTS[name])
    plain = name.removeprefix(NOT)
    label = str(IN_SENTENCES.get(plain) or OPERATORS.get(plain, plain))
    if plain == name:
        return label
    return str(NEGATED.get(plain) or _("not: %(operator)s") % {"operator": label})


def shown_as(comparison: Comparison, *, is_negated: bool = False) -> tuple[str, object]:
    """The editor's operator, and the value that it is given."""
    name, value = comparison.operator or IS, comparison.value
    if name in (IS, "neq") and value is None:
        name, is_negated, value = EMPTY, is_negated != (name == "neq"), True
    elif name == EMPTY and value is False:
        is_negated, value = not is_negated, True
    if not is_negated:
        return name, value
    return {IS: "neq", "neq": IS}.get(name, f"{NOT}{name}"), value


def condition(field: str, operator: str, value: object) -> Condition:
    """The opposite way: what a rule stores of it."""
    plain = operator.removeprefix(NOT)
    if plain == EMPTY:
        return Comparison(field, EMPTY, plain == operator)
    comparison = Comparison(field, EQUALS if plain == IS else plain, value)
    return comparison if plain == operator else Group("not", (comparison,))
