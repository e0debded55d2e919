"""A rule as the editor shows it: rows that a person fills in, in lists that may stand inside one another."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Final, cast

ALL, ANY = "all", "any"


@dataclass
class ComparisonRow:
    """A field, an operator of the editor (`operators`), and what was typed as its value."""

    field: str = ""
    operator: str = ""
    texts: list[str] = default(default_factory=list)


@dataclass
class GroupRow:
    """Conditions of which all hold, or any one."""

    how: str = ALL
    rows: list[ConditionRow] = default(default_factory=list)


@dataclass
class KeptRow:
    """What has no row of its own, as JSON: it is shown in words, and kept."""

    text: str = ""


@dataclass
class ActionRow:
    """An action and what was typed for its parameters."""

    name: str = ""
    params: dict[str, list[str]] = default(default_factory=dict)


ConditionRow = ComparisonRow | GroupRow | KeptRow
StepRow = ActionRow | KeptRow


@dataclass
class Draft:
    """The conditions and the actions of a rule while somebody writes it."""

    conditions: GroupRow = default(default_factory=GroupRow)
    actions: list[StepRow] = default(default_factory=list)


Make = Callable[[], object]
CONDITION: Final = "add"
GROUP: Final = "group"


def lists(draft: Draft) -> Iterator[tuple[str, list[object], dict[str, Make]]]:
    """Every list by its place, with what can be added to it."""
    yield from _lists(draft.conditions, "conditions", is_group_fine=True)
    yield "actions", cast("list[object]", draft.actions), {CONDITION: ActionRow}


def _lists(
    group: GroupRow, place: str, *, is_group_fine: bool = False
) -> Iterator[tuple[str, list[object], dict[str, Make]]]:
    more: dict[str, Make] = {GROUP: lambda: GroupRow(ANY, [ComparisonRow()])} if is_group_fine else {}
    yield f"{place}.rows", cast("list[object]", group.rows), {CONDITION: ComparisonRow, **more}
    for number, row in enumerate(group.rows):
        if isinstance(row, GroupRow):
            yield from _lists(row, f"{place}.rows.{number}")


def line_feeds(text: str) -> str:
    """Line breaks as a browser's text has them once it is read."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def as_text(value: object) -> str:
    """JSON for a row that is kept."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def from_text(text: str) -> object:
    """What the JSON of a kept row says; the text itself where it is none, which no rule can be made of."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    # Escaped it comes past the look at what a form sends, and no database holds it.
    return text if "\\u0000" in text else value


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
