"""The steps of a rule: actions, and between them waits, branches and splits; pure, as the engine is.

A step is known by its path in the rule, `2` or `2.0.1` (the second step of the first branch of the third step), which
is what a run that waits remembers. Steps only lead forward, so that every run ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

from workflows.rules.conditions import Comparison, Condition, InvalidConditions, parse

WAIT: Final = "wait"
BRANCH: Final = "branch"
SPLIT: Final = "split"
CONTROL: Final = (WAIT, BRANCH, SPLIT)
MAX_STEPS: Final = 50
MAX_NESTING: Final = 3


class Then(StrEnum):
    """What a run does where what it waited for did not come in time."""

    STOP = "stop"
    CONTINUE = "continue"


class CancelOn(StrEnum):
    """What can end a run that waits, in the transaction in which it happens."""

    REPLY = "reply"
    ANSWER = "answer"
    ASSIGNMENT = "assignment"
    STAGE = "stage"
    OUTCOME = "outcome"
    OPT_OUT = "opt_out"


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action by its name, with its parameters as they were checked when the rule was saved."""

    name: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wait:
    """One of: a length of time; until the business opens; until nothing happened for so long; until a condition holds.
    The last two end after `timeout`, and then do as `then` says."""

    length: timedelta | None = None
    is_until_open: bool = False
    quiet: timedelta | None = None
    condition: Condition | None = None
    timeout: timedelta | None = None
    then: Then = Then.STOP


@dataclass(frozen=True, slots=True)
class Branch:
    """The steps of the first branch whose condition holds, else `otherwise`."""

    branches: tuple[tuple[Condition, Steps], ...]
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Split:
    """One of the branches by chance, each with its share of 100; the same for a run however often it is asked."""

    branches: tuple[tuple[int, Steps], ...]

    def choose(self, run: UUID, path: str) -> int:
        """The number of the branch."""
        digest = hashlib.sha256(f"{run}:{path}".encode()).digest()
        mark = int.from_bytes(digest[:8]) * 100 // 2**64
        for number, (share, _steps) in enumerate(self.branches):
            mark -= share
            if mark < 0:
                return number
        return len(self.branches) - 1


Step = PlannedAction | Wait | Branch | Split
Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A step in its place: what follows it, and where its branches begin (None: the run ends there)."""

    path: str
    step: Step
    following: str | None
    targets: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """The steps as a way through them: where it begins, and each step by its path."""

    first: str | None
    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, steps: Steps) -> Program:
        nodes: dict[str, Node] = {}
        return cls(_lay(steps, "", None, nodes), nodes)


def _lay(steps: Steps, prefix: str, after: str | None, nodes: dict[str, Node]) -> str | None:
    for number in reversed(range(len(steps))):
        path, step = f"{prefix}{number}", steps[number]
        targets: tuple[str | None, ...] = ()
        if isinstance(step, Branch | Split):
            inner = [inside for _how, inside in step.branches]
            inner += [step.otherwise] if isinstance(step, Branch) else []
            targets = tuple(_lay(inside, f"{path}.{which}.", after, nodes) for which, inside in enumerate(inner))
        nodes[path] = Node(path, step, after, targets)
        after = path
    return after


def read_steps(data: Sequence[Mapping[str, object]]) -> Steps:
    """The steps of what was checked and stored. A condition that nobody can parse any more never holds."""
    return tuple(_read(entry) for entry in data)


def _read(entry: Mapping[str, object]) -> Step:
    name = str(entry["action"])
    if name == WAIT:
        return Wait(
            length=_minutes(entry, "minutes"),
            is_until_open="until" in entry,
            quiet=_minutes(entry, "quiet_minutes"),
            condition=_condition(entry["conditions"]) if "conditions" in entry else None,
            timeout=_minutes(entry, "timeout_minutes"),
            then=Then(str(entry.get("then", Then.STOP))),
        )
    if name == BRANCH:
        branches = tuple((_condition(inner["conditions"]), read_steps(entries(inner))) for inner in inner_of(entry))
        return Branch(branches, read_steps(entries(entry, "otherwise")))
    if name == SPLIT:
        return Split(tuple((cast("int", inner["share"]), read_steps(entries(inner))) for inner in inner_of(entry)))
    return PlannedAction(name, {key: value for key, value in entry.items() if key != "action"})


def inner_of(entry: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    """The branches of a stored branch or split."""
    return cast("Sequence[Mapping[str, object]]", entry.get("branches", ()))


def entries(entry: Mapping[str, object], name: str = "actions") -> Sequence[Mapping[str, object]]:
    """The stored steps under a name."""
    return cast("Sequence[Mapping[str, object]]", entry.get(name, ()))


def every_entry(data: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """Every stored step, those inside of branches too."""
    for entry in data:
        yield entry
        if entry.get("action") in (BRANCH, SPLIT):
            for inner in inner_of(entry):
                yield from every_entry(entries(inner))
            yield from every_entry(entries(entry, "otherwise"))


def _minutes(entry: Mapping[str, object], name: str) -> timedelta | None:
    value = entry.get(name)
    return timedelta(minutes=value) if isinstance(value, int) else None


def _condition(data: object) -> Condition:
    try:
        return parse(data)
    except InvalidConditions:
        return Comparison("", "isnull", False)
