"""Actions as rows, and rows as actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from activity.payloads import Kind
from workflows.rules.catalog import OfferedAction, Parameter
from workflows.rules.editor.condition_rows import WHOLE
from workflows.rules.editor.rows import ActionRow, KeptRow, StepRow, as_text, from_text, line_feeds

Offered = Mapping[str, OfferedAction]
# The largest that divides a length is how it is shown.
UNITS: Final = (1440, 60, 1)


def rows_of(data: object, offered: Offered) -> list[StepRow]:
    """The rows of stored actions; what has no row of its own is kept whole."""
    if not isinstance(data, Sequence) or isinstance(data, str):
        return [KeptRow(as_text(data))]
    return [_row(entry, offered) for entry in data]


def _row(entry: object, offered: Offered) -> StepRow:
    action = offered.get(str(entry.get("action", ""))) if isinstance(entry, Mapping) else None
    if action is None or not isinstance(entry, Mapping):
        return KeptRow(as_text(entry))
    known = {parameter.name: parameter for parameter in action.parameters}
    params: dict[str, list[str]] = {}
    for name, value in entry.items():
        if name == "action":
            continue
        texts = _texts(known[name], value) if name in known else None
        if texts is None:
            return KeptRow(as_text(entry))
        params[name] = texts
    return ActionRow(action.name, params)


def _texts(parameter: Parameter, value: object) -> list[str] | None:
    """What the control of a parameter shows of its value; None for a value of another kind."""
    if parameter.kind == Kind.BOOLEAN:
        return (["true"] if value else []) if isinstance(value, bool) else None
    if parameter.kind == Kind.NUMBER:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        if not parameter.words.is_length:
            return [str(value)]
        unit = next(unit for unit in UNITS if value % unit == 0) if value else 1
        return [str(value // unit), str(unit)]
    return [line_feeds(value)] if isinstance(value, str) else None


def content(rows: Sequence[StepRow], offered: Offered) -> list[object]:
    """What is stored of the rows."""
    return [content_of_row(row, offered) for row in rows]


def content_of_row(row: StepRow, offered: Offered) -> object:
    """The same of one row. What was not filled in is left out; what is no value stays a text, and is refused."""
    if isinstance(row, KeptRow):
        return from_text(row.text)
    result: dict[str, object] = {"action": row.name}
    action = offered.get(row.name)
    for parameter in action.parameters if action is not None else ():
        value = _value(parameter, row.params.get(parameter.name, []))
        if value not in (None, ""):
            result[parameter.name] = value
    return result


def _value(parameter: Parameter, texts: Sequence[str]) -> object:
    if parameter.kind == Kind.BOOLEAN:
        return True if "true" in texts else None
    text = texts[0] if texts else ""
    if parameter.kind != Kind.NUMBER:
        return text if text.strip() else None
    text = text.strip()
    if not WHOLE.fullmatch(text):
        return text
    unit = texts[1] if parameter.words.is_length and len(texts) > 1 else "1"
    return int(text) * (int(unit) if unit in map(str, UNITS) else 1)
