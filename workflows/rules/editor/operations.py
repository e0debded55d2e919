"""What the buttons of the editor do to a draft: a row added, taken away, moved, or asked anew."""

from __future__ import annotations

from typing import Final

from workflows.rules.editor.rows import ActionRow, BranchRow, ComparisonRow, Draft, GroupRow, every_step, lists
from workflows.rules.editor.step_rows import CONDITIONS, WAY
from workflows.rules.steps import BRANCH, SPLIT, WAIT

SHOW: Final = "show"
MAX_ROWS: Final = 60


def apply(draft: Draft, operation: str) -> str:
    """Do what a button says (`add:actions`, `up:actions.1`), and answer which place has the focus then.

    What is not there any more changes nothing: the page is shown as it is.
    """
    focus = _apply_to(draft, operation)
    for _place, row in every_step(draft):
        _complete(row)
    return focus


def _apply_to(draft: Draft, operation: str) -> str:
    what, _separator, place = operation.partition(":")
    for list_place, rows, makes in lists(draft):
        if what in makes and place == list_place and len(rows) < MAX_ROWS:
            row = makes[what]()
            rows.append(row)
            return f"{list_place}.{len(rows) - 1}{'.rows.0' if isinstance(row, GroupRow) else ''}"
        if place.startswith(f"{list_place}."):
            number = place.removeprefix(f"{list_place}.")
            if number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(rows):
                return _apply(rows, list_place, int(number), what)
    return ""


def _apply(rows: list[object], list_place: str, number: int, what: str) -> str:
    if what == "remove":
        del rows[number]
        return f"{list_place}.{min(number, len(rows) - 1)}" if rows else f"add:{list_place}"
    if what in ("up", "down"):
        other = number + (1 if what == "down" else -1)
        if 0 <= other < len(rows):
            rows[number], rows[other] = rows[other], rows[number]
            number = other
        return f"{what}:{list_place}.{number}"
    row = rows[number]
    if what == SHOW and isinstance(row, ComparisonRow):
        # Another field: what was typed for the one before means nothing here.
        row.operator, row.texts = "", []
    return ""


def _complete(row: ActionRow) -> None:
    """A step that was just chosen has what one begins with."""
    if row.name == BRANCH and not row.branches:
        row.branches = [BranchRow(conditions=GroupRow(rows=[ComparisonRow()]))]
    if row.name == SPLIT and not row.branches:
        row.branches = [BranchRow("50"), BranchRow("50")]
    if row.name == WAIT and row.params.get(WAY) == [CONDITIONS] and not row.conditions.rows:
        row.conditions.rows = [ComparisonRow()]


def without_empty(group: GroupRow) -> GroupRow:
    """The rows that say something already: what is judged while somebody still writes."""
    rows = [without_empty(row) if isinstance(row, GroupRow) else row for row in group.rows]
    kept = [row for row in rows if not (isinstance(row, ComparisonRow) and not row.field)]
    return GroupRow(group.how, [row for row in kept if not (isinstance(row, GroupRow) and not row.rows)])
