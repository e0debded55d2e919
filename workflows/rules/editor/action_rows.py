"""Actions as rows, and rows as actions; waits and branches among them by `step_rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from activity.payloads import Kind
from workflows.rules.catalog import OfferedAction, Parameter
from workflows.rules.editor import lengths, step_rows
from workflows.rules.editor.condition_rows import WHOLE, Fields
from workflows.rules.editor.rows import ActionRow, KeptRow, StepRow, as_text, from_text, line_feeds
from workflows.rules.steps import CONTROL, MAX_NESTING

Offered = Mapping[str, OfferedAction]


def rows_of(data: object, offered: Offered, nesting: int = 0) -> list[StepRow]:
    """The rows of stored actions; what has no row of its own is kept whole."""
    if not isinstance(data, Sequence) or isinstance(data, str):
        return [KeptRow(as_text(data))]
    return [_row(entry, offered, nesting) for entry in data]


def _row(entry: object, offered: Offered, nesting: int) -> StepRow:
    if not isinstance(entry, Mapping):
        return KeptRow(as_text(entry))
    if entry.get("action") in CONTROL:
        inside = partial(rows_of, offered=offered, nesting=nesting + 1)
        step = step_rows.row_of(entry, inside) if nesting <= MAX_NESTING else None
        return step or KeptRow(as_text(entry))
    action = offered.get(str(entry.get("action", "")))
    if action is None:
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
        return lengths.texts(value) if parameter.words.is_length else [str(value)]
    return [line_feeds(value)] if isinstance(value, str) else None


def content(rows: Sequence[StepRow], offered: Offered, fields: Fields) -> list[object]:
    """What is stored of the rows."""
    return [content_of_row(row, offered, fields) for row in rows]


def content_of_row(row: StepRow, offered: Offered, fields: Fields) -> object:
    """The same of one row. What was not filled in is left out; what is no value stays a text, and is refused."""
    if isinstance(row, KeptRow):
        return from_text(row.text)
    if row.name in CONTROL:
        return step_rows.content_of(row, fields, partial(content, offered=offered, fields=fields))
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
    if parameter.kind == Kind.NUMBER and parameter.words.is_length:
        return lengths.value(texts)
    text = texts[0] if texts else ""
    if parameter.kind != Kind.NUMBER:
        return text if text.strip() else None
    return int(text) if WHOLE.fullmatch(text.strip()) else text.strip()


def is_readable(entry: object) -> bool:
    """Whether a step that somebody typed as JSON has the shape that it takes to say it in words."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("action"), str):
        return False
    if entry["action"] not in CONTROL:
        return True
    branches, otherwise = entry.get("branches", []), entry.get("otherwise", [])
    if not isinstance(branches, list) or not isinstance(otherwise, list) or not all(map(is_readable, otherwise)):
        return False
    when = "share" if entry["action"] == "split" else "conditions"
    return all(
        isinstance(inner, Mapping) and when in inner and isinstance(inner.get("actions"), list)
        and all(map(is_readable, inner["actions"]))
        for inner in branches
    )  # fmt: skip
