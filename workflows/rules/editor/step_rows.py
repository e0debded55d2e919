"""Waits, branches and splits as rows, and rows as what is stored of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from workflows.rules.editor import condition_rows, lengths
from workflows.rules.editor.condition_rows import WHOLE, Fields
from workflows.rules.editor.rows import ActionRow, BranchRow, StepRow
from workflows.rules.steps import BRANCH, SPLIT, WAIT

# Which of its ways a wait takes: a parameter of the editor's own.
WAY: Final = "way"
MINUTES, UNTIL, QUIET, CONDITIONS = "minutes", "until", "quiet_minutes", "conditions"
OPEN: Final = "open"
TIMEOUT, THEN = "timeout_minutes", "then"
# What each way takes beside itself.
WAYS: Final[Mapping[str, Sequence[str]]] = {MINUTES: (), UNTIL: (), QUIET: (TIMEOUT, THEN), CONDITIONS: (TIMEOUT, THEN)}
ReadSteps = Callable[[object], list[StepRow]]
WriteSteps = Callable[[Sequence[StepRow]], list[object]]


def row_of(entry: Mapping[str, object], read: ReadSteps) -> ActionRow | None:
    """The row of a stored step; None where it is no wait and has no branches as the editor knows them."""
    name = entry.get("action")
    if name == WAIT:
        return _wait_row(entry)
    if name == BRANCH and entry.keys() <= {"action", "branches", "otherwise"}:
        branches = _branch_rows(entry, "conditions", read)
        otherwise = entry.get("otherwise", [])
        if branches is not None and isinstance(otherwise, list):
            return ActionRow(BRANCH, branches=branches, otherwise=read(otherwise))
    if name == SPLIT and entry.keys() <= {"action", "branches"}:
        branches = _branch_rows(entry, "share", read)
        return None if branches is None else ActionRow(SPLIT, branches=branches)
    return None


def _wait_row(entry: Mapping[str, object]) -> ActionRow | None:
    ways = [way for way in WAYS if way in entry]
    if len(ways) != 1 or not entry.keys() <= {"action", ways[0], *WAYS[ways[0]]}:
        return None
    (way,) = ways
    row = ActionRow(WAIT, {WAY: [way]})
    for name in (way, *WAYS[way]):
        value = entry.get(name)
        if name == CONDITIONS:
            row.conditions = condition_rows.rows_of(value)
        elif name in (MINUTES, QUIET, TIMEOUT) and value is not None:
            if not isinstance(value, int) or isinstance(value, bool):
                return None
            row.params[name] = lengths.texts(value)
        elif name == UNTIL and value != OPEN:
            return None
        elif value is not None:
            if not isinstance(value, str):
                return None
            row.params[name] = [value]
    return row


def _branch_rows(entry: Mapping[str, object], when: str, read: ReadSteps) -> list[BranchRow] | None:
    data = entry.get("branches")
    rows = []
    for inner in data if isinstance(data, list) else [None]:
        if not isinstance(inner, Mapping) or not inner.keys() <= {when, "actions"}:
            return None
        actions, share = inner.get("actions", []), inner.get("share", "")
        if not isinstance(actions, list) or isinstance(share, bool) or not isinstance(share, int | str):
            return None
        rows.append(BranchRow(str(share), condition_rows.rows_of(inner.get("conditions", {})), read(actions)))
    return rows


def content_of(row: ActionRow, fields: Fields, write: WriteSteps) -> dict[str, object]:
    """What is stored of a wait, a branch or a split."""
    if row.name == WAIT:
        return _wait(row, fields)
    branches = [_branch(branch, row.name, fields, write) for branch in row.branches]
    if row.name == SPLIT:
        return {"action": SPLIT, "branches": branches}
    return {"action": BRANCH, "branches": branches, "otherwise": write(row.otherwise)}


def _branch(branch: BranchRow, name: str, fields: Fields, write: WriteSteps) -> dict[str, object]:
    actions = write(branch.actions)
    if name == BRANCH:
        return {"conditions": condition_rows.content(branch.conditions, fields), "actions": actions}
    share = branch.share.strip()
    return {"share": int(share) if WHOLE.fullmatch(share) else share, "actions": actions}


def _wait(row: ActionRow, fields: Fields) -> dict[str, object]:
    way = way_of(row)
    result: dict[str, object] = {"action": WAIT}
    for name in (way, *WAYS[way]):
        texts = row.params.get(name, [])
        if name == CONDITIONS:
            result[name] = condition_rows.content(row.conditions, fields)
        elif name == UNTIL:
            result[name] = texts[0] if texts else OPEN
        elif name == THEN:
            result[name] = texts[0] if texts else "stop"
        else:
            result[name] = lengths.value(texts)
    return result


def way_of(row: ActionRow) -> str:
    """The way that is chosen; at first a length of time."""
    way = (row.params.get(WAY) or [MINUTES])[-1]
    return way if way in WAYS else MINUTES
