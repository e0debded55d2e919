"""A rule as the editor shows it: rows that a person fills in, in lists that may stand inside one another."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from typing import Final, cast

from workflows.rules.steps import BRANCH, SPLIT, WAIT

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
    """A step: an action with what was typed for its parameters; or a wait, with its conditions; or branches."""

    name: str = ""
    params: dict[str, list[str]] = default(default_factory=dict)
    conditions: GroupRow = default(default_factory=lambda: GroupRow())
    branches: list[BranchRow] = default(default_factory=list)
    otherwise: list[StepRow] = default(default_factory=list)


@dataclass
class BranchRow:
    """The steps of a branch, and when it is taken: by conditions, or with a share of 100."""

    share: str = ""
    conditions: GroupRow = default(default_factory=lambda: GroupRow())
    actions: list[StepRow] = default(default_factory=list)


ConditionRow = ComparisonRow | GroupRow | KeptRow
StepRow = ActionRow | KeptRow


@dataclass
class Draft:
    """The conditions and the steps of a rule while somebody writes it."""

    conditions: GroupRow = default(default_factory=GroupRow)
    actions: list[StepRow] = default(default_factory=list)


Make = Callable[[], object]
Makes = dict[str, Make]
ADD: Final = "add"
GROUP: Final = "group"


def lists(draft: Draft) -> Iterator[tuple[str, list[object], Makes]]:
    """Every list by its place, with what can be added to it."""
    for place, group in groups(draft):
        yield from _lists(group, place, is_group_fine=True)
    yield "actions", cast("list[object]", draft.actions), {ADD: ActionRow}
    for place, row in every_step(draft):
        if row.name not in (BRANCH, SPLIT):
            continue
        yield f"{place}.branches", cast("list[object]", row.branches), {ADD: BranchRow}
        for number, branch in enumerate(row.branches):
            yield f"{place}.branches.{number}.actions", cast("list[object]", branch.actions), {ADD: ActionRow}
        if row.name == BRANCH:
            yield f"{place}.otherwise", cast("list[object]", row.otherwise), {ADD: ActionRow}


def groups(draft: Draft) -> Iterator[tuple[str, GroupRow]]:
    """The conditions of the rule, of its waits and of its branches, by their places."""
    yield "conditions", draft.conditions
    for place, row in every_step(draft):
        if row.name == WAIT:
            yield f"{place}.conditions", row.conditions
        elif row.name == BRANCH:
            for number, branch in enumerate(row.branches):
                yield f"{place}.branches.{number}.conditions", branch.conditions


def every_step(draft: Draft) -> Iterator[tuple[str, ActionRow]]:
    """Every step that has a row, those inside of branches too, by its place."""
    yield from _steps(draft.actions, "actions")


def _steps(rows: Sequence[StepRow], place: str) -> Iterator[tuple[str, ActionRow]]:
    for number, row in enumerate(rows):
        if not isinstance(row, ActionRow):
            continue
        here = f"{place}.{number}"
        yield here, row
        for which, branch in enumerate(row.branches):
            yield from _steps(branch.actions, f"{here}.branches.{which}.actions")
        yield from _steps(row.otherwise, f"{here}.otherwise")


def conditions_in(group: GroupRow, place: str) -> Iterator[tuple[str, ConditionRow]]:
    """Every row of conditions, those inside of groups too, by its place."""
    for number, row in enumerate(group.rows):
        here = f"{place}.rows.{number}"
        yield here, row
        if isinstance(row, GroupRow):
            yield from conditions_in(row, here)


def _lists(group: GroupRow, place: str, *, is_group_fine: bool = False) -> Iterator[tuple[str, list[object], Makes]]:
    more: Makes = {GROUP: lambda: GroupRow(ANY, [ComparisonRow()])} if is_group_fine else {}
    yield f"{place}.rows", cast("list[object]", group.rows), {ADD: ComparisonRow, **more}
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
