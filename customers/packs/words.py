"""The fields of a pack's tables, and the check of each value.

Triggers, conditions and actions of rules are looked up in the registries when a pack is read: upper apps declare some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from activity.registry import triggers
from activity.rules import ACTIONS, CONDITION_FIELDS, OPERATORS, is_condition_field
from customers.models import CustomField, Stage
from customers.people.filters import parse as filters

KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
COLORS = ("slate", "sky", "indigo", "violet", "rose", "amber", "green", "teal")
CHANNELS = ("whatsapp", "sms", "email")
LANGUAGE = re.compile(r"und|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
PLACEHOLDER = re.compile(r"\{\{([^{}|]*)(?:\|([^{}]*))?\}\}")
# What every text may name; custom fields come as custom.<key>.
NAMES = frozenset({"customer.name", "customer_name", "company", "agent.name"})
SOURCES = ("customers", "deals", "tasks", "outcomes", "interactions", "messages", "stage_changes")
FUNCTIONS = ("count", "sum", "average", "least", "most")


class Wrong(ValueError):
    """An error in one value; the caller adds the place."""


Check = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Word:
    """A field of a table: its check, and its default (required without one)."""

    check: Check
    default: object = ...


def _text(most: int, *, is_empty_fine: bool = False) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value.strip()) > most or not (value.strip() or is_empty_fine):
            raise Wrong(f"A text of {0 if is_empty_fine else 1} to {most} characters is needed.")
        return value.strip()

    return check


def _pattern(pattern: re.Pattern[str], most: int, description: str) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
            raise Wrong(description)
        return value

    return check


def _one_of(choices: Iterable[str] | Callable[[], Iterable[str]]) -> Check:
    def check(value: object) -> str:
        known = list(choices() if callable(choices) else choices)
        if value not in known:
            raise Wrong(f"“{value}” is not one of {', '.join(known)}.")
        return str(value)

    return check


def _number(least: int, most: int) -> Check:
    def check(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Wrong(f"A whole number from {least} to {most} is needed.")
        return value

    return check


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Wrong("true or false is needed.")
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Wrong("An object is needed.")
    return dict(value)


def _list_of(check_entry: Check, *, least: int = 0) -> Check:
    def check(value: object) -> list[object]:
        if not isinstance(value, list) or len(value) < least:
            raise Wrong(f"A list of at least {least} is needed." if least else "A list is needed.")
        return [check_entry(one) for one in value]

    return check


def _relationships(value: object) -> tuple[str, ...]:
    return tuple(map(str, cast("list[str]", _list_of(_text(40))(value))))


def _conditions(value: object) -> dict[str, Any]:
    """A plain object: field, or field and operator, to the value."""
    conditions = _object(value)
    for name, operand in conditions.items():
        field, _, operator = name.partition("__")
        if not is_condition_field(field):
            raise Wrong(f"“{field}” can’t be asked for. Use: {', '.join(CONDITION_FIELDS.names())}, custom.<key>.")
        if operator and operator not in OPERATORS:
            raise Wrong(f"“{operator}” is not an operator. Use: {', '.join(OPERATORS)}.")
        if operator == "in" and not isinstance(operand, list):
            raise Wrong(f"“{name}” needs a list.")
    return conditions


def _action(value: object) -> dict[str, Any]:
    action = _object(value)
    known = ACTIONS.get(action.get("action", ""))
    if known is None:
        raise Wrong(f"“{action.get('action')}” is not an action. Use: {', '.join(ACTIONS.names())}.")
    names = set(action) - {"action"}
    if missing := known.needs.keys() - names:
        raise Wrong(f"{known.name} needs {', '.join(sorted(missing))}.")
    if unknown := names - known.needs.keys() - known.takes.keys():
        raise Wrong(f"{known.name} knows no {', '.join(sorted(unknown))}.")
    return action


def _aggregation(value: object) -> dict[str, Any]:
    result = _object(value)
    if result.get("function") not in FUNCTIONS:
        raise Wrong(f"“{result.get('function')}” is not a function. Use: {', '.join(FUNCTIONS)}.")
    if result["function"] != "count" and not result.get("field"):
        raise Wrong(f"{result['function']} needs a field.")
    if unknown := set(result) - {"function", "field", "name"}:
        raise Wrong(f"An aggregation knows no {', '.join(sorted(unknown))}.")
    return result


_key = _pattern(KEY, 40, "Small letters, digits, and single _ between them, 40 at most; begin with a letter.")
_color = _one_of(COLORS)
HEAD = {
    "name": Word(_text(40)),
    "description": Word(_text(120)),
    "relationships": Word(_relationships, ()),
    "won_deal_stage": Word(_key, ""),
    "lost_deal_stage": Word(_key, ""),
}
PARTS: dict[str, dict[str, Word]] = {
    "stages": {
        "key": Word(_key),
        "name": Word(_text(80)),
        "kind": Word(_one_of(Stage.Kind.values), str(Stage.Kind.OPEN)),
        "probability": Word(_number(0, 100), 0),
        "color": Word(_color, "slate"),
        "sla_hours": Word(_number(1, 24 * 365), None),
        "entry_task": Word(_text(200), ""),
    },
    "outcome_types": {
        "key": Word(_key),
        "name": Word(_text(80)),
        "color": Word(_color, "slate"),
        "stage": Word(_key, ""),
        "is_converting": Word(_boolean, False),
        "has_amount": Word(_boolean, False),
    },
    "custom_fields": {
        "entity": Word(_one_of(CustomField.Entity.values), str(CustomField.Entity.CUSTOMER)),
        "key": Word(_key),
        "label": Word(_text(80)),
        "type": Word(_one_of(CustomField.Type.values)),
        "choices": Word(_list_of(_text(100), least=2), []),
        "is_required": Word(_boolean, False),
    },
    "tags": {"name": Word(_text(50)), "color": Word(_color, "slate")},
    "segments": {
        "name": Word(_text(80)),
        "filter": Word(_object),
        "ordering": Word(_one_of(filters.ORDERINGS), ""),
        "columns": Word(_list_of(_text(60)), []),
    },
    "templates": {
        "key": Word(_key),
        "name": Word(_text(120)),
        "channel": Word(_one_of(CHANNELS)),
        "language": Word(_pattern(LANGUAGE, 16, "A language such as en or pt-BR is needed, or und."), "und"),
        "subject": Word(_text(200), ""),
        "body": Word(_text(4000)),
    },
    "workflows": {
        "key": Word(_key),
        "name": Word(_text(120)),
        "trigger_event": Word(_one_of(triggers)),
        "conditions": Word(_conditions, {}),
        "actions": Word(_list_of(_action, least=1)),
    },
    "reports": {
        "key": Word(_key),
        "name": Word(_text(120)),
        "description": Word(_text(300), ""),
        "source": Word(_one_of(SOURCES)),
        "fields": Word(_list_of(_text(60), least=1)),
        "filters": Word(_object, {}),
        "grouping": Word(_list_of(_text(60)), []),
        "sorting": Word(_list_of(_text(60)), []),
        "aggregations": Word(_list_of(_aggregation), []),
    },
}
