"""Conditions as rows, and rows as conditions: what goes in comes out with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from activity.payloads import Kind
from workflows.rules.conditions import AskedField, Comparison, Condition, Group, InvalidConditions, parse
from workflows.rules.editor import operators
from workflows.rules.editor.rows import (
    ALL,
    ANY,
    ComparisonRow,
    ConditionRow,
    GroupRow,
    KeptRow,
    as_text,
    from_text,
    line_feeds,
)  # fmt: skip

Fields = Mapping[str, AskedField]
WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
NUMBERS: Final = (Kind.NUMBER, Kind.AMOUNT)


# --- What is stored, as rows ------------------------------------------------------------------------------------------


def rows_of(data: object) -> GroupRow:
    """The rows of stored conditions. What goes deeper than one group in another is kept whole."""
    try:
        tree = _unwrapped(parse(data))
    except InvalidConditions:
        return GroupRow(ALL, [KeptRow(as_text(data))])
    if isinstance(tree, Group) and tree.how in (ALL, ANY):
        return GroupRow(tree.how, [_row(part) for part in tree.parts])
    return GroupRow(ALL, [_row(tree)])


def _row(part: Condition) -> ConditionRow:
    part = _unwrapped(part)
    if (comparison := _comparison(part)) is not None:
        return comparison
    if isinstance(part, Group) and part.how in (ALL, ANY) and part.parts:
        rows = [_comparison(_unwrapped(inner)) for inner in part.parts]
        known = [row for row in rows if row is not None]
        if len(known) == len(rows):
            return GroupRow(part.how, [*known])
    return KeptRow(as_text(as_json(part)))


def _comparison(part: Condition) -> ComparisonRow | None:
    is_negated = isinstance(part, Group) and part.how == "not"
    inner = _unwrapped(part.parts[0]) if isinstance(part, Group) and is_negated else part
    if not isinstance(inner, Comparison):
        return None
    operator, value = operators.shown_as(inner, is_negated=is_negated)
    is_many = operator.removeprefix(operators.NOT) == "in"
    if isinstance(value, dict) or isinstance(value, list) is not is_many:
        return None
    values = value if isinstance(value, list) else [value]
    if any(
        isinstance(one, dict | list) or (isinstance(one, str) and is_many and ("\n" in one or "\r" in one))
        for one in values
    ):
        return None
    return ComparisonRow(inner.field, operator, [_text(one) for one in values])


def _unwrapped(part: Condition) -> Condition:
    """A group of one is that one."""
    while isinstance(part, Group) and part.how in (ALL, ANY) and len(part.parts) == 1:
        part = part.parts[0]
    return part


def as_json(part: Condition) -> dict[str, object]:
    """A condition as the tree that is stored of it."""
    if isinstance(part, Comparison):
        return {"field": part.field, "op": part.operator or "eq", "value": part.value}
    if part.how == "not":
        return {"not": as_json(part.parts[0])}
    return {part.how: [as_json(inner) for inner in part.parts]} if part.parts else {}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else line_feeds(str(value))


# --- What was typed, as conditions ------------------------------------------------------------------------------------


def content(group: GroupRow, fields: Fields) -> object:
    """What is stored of the rows: of one a plain object, of several a tree, whose order every database keeps."""
    parts = [content_of_row(row, fields) for row in group.rows]
    if not parts:
        return {}
    return _plain(parts[0]) if len(parts) == 1 else {group.how: parts}


def content_of_row(row: ConditionRow, fields: Fields) -> object:
    """The same of one row."""
    if isinstance(row, KeptRow):
        return from_text(row.text)
    if isinstance(row, GroupRow):
        return content(row, fields)
    field = fields.get(row.field)
    value = value_of(field, row.operator, row.texts)
    return as_json(operators.condition(row.field, row.operator or operators.IS, value))


def _plain(part: object) -> object:
    """One comparison as a plain object, where that says the same."""
    if not isinstance(part, dict) or part.keys() != {"field", "op", "value"}:
        return part
    name = part["field"] if part["op"] == "eq" else f"{part['field']}__{part['op']}"
    plain = {name: part["value"]}
    try:
        return plain if parse(plain) == Group(ALL, (parse(part),)) else part
    except InvalidConditions:
        return part


def value_of(field: AskedField | None, operator: str, texts: list[str]) -> object:
    """The value of what was typed; what is none of the field's kind stays a text, and is refused when it is saved."""
    kind = field.kind if field is not None else Kind.TEXT
    if operator.removeprefix(operators.NOT) == "in":
        typed = texts if field is not None and field.choices is not None else "\n".join(texts).split("\n")
        return [_value(kind, text.strip()) for text in typed if text.strip()]
    return _value(kind, texts[-1] if texts else "")


def _value(kind: Kind, text: str) -> object:
    if kind == Kind.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    if kind in NUMBERS:
        text = text.strip()
        return int(text) if WHOLE.fullmatch(text) else text.replace(",", ".")
    return text


def is_day(text: str) -> bool:
    """Whether an input for days can show it."""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_number(text: str) -> bool:
    """Whether an input for numbers can show it."""
    return not text or NUMBER.fullmatch(text) is not None
