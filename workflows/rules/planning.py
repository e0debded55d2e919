"""The engine of rules, pure: rules, an event and facts in, a decision for each rule out; nothing is read or written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from activity.payloads import Kind
from workflows.rules.conditions import Condition, Facts, Seen, Verdict, evaluate
from workflows.rules.steps import CancelOn, Program, Steps

# An event that workflows caused carries how many led to it; from here on no rule begins.
MAX_DEPTH: Final = 5
BUSINESS_HOURS: Final = "business_hours"


class Hours(StrEnum):
    """When a rule acts: always, or only within or outside the business hours."""

    ANY = "any"
    OPEN = "open"
    CLOSED = "closed"


class Reason(StrEnum):
    """Why a rule acts, or does not."""

    MATCHED = "matched"
    CONDITIONS = "conditions"
    HOURS = "hours"
    ONCE = "once"
    OWN_EVENT = "own_event"
    DEPTH = "depth"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the engine reads it."""

    id: UUID
    name: str
    condition: Condition
    steps: Steps
    version: int = 1
    is_once: bool = False
    hours: Hours = Hours.ANY
    stops_after: bool = False
    cancel_on: frozenset[CancelOn] = frozenset()
    # How often in a row it failed until now.
    failures: int = 0
    # Every wait lasts until business hours: of a sequence that is only to act within them.
    keeps_hours: bool = False

    @property
    def program(self) -> Program:
        return Program.of(self.steps)


@dataclass(frozen=True, slots=True)
class Cause:
    """What the engine knows of an event: how many workflows led to it, and the rule that caused it, if one did."""

    depth: int = 0
    rule_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decides on an event: why, what its comparisons saw, and the steps to take."""

    rule: Rule
    reason: Reason
    seen: tuple[Seen, ...] = field(default=())

    @property
    def is_match(self) -> bool:
        return self.reason == Reason.MATCHED

    @property
    def steps(self) -> Steps:
        """The planned steps, in order; none where the rule does not act."""
        return self.rule.steps if self.is_match else ()

    @property
    def reasons(self) -> tuple[Seen, ...]:
        """The comparisons because of which the rule does not act; none where another thing is why."""
        return Verdict(False, self.seen).reasons if self.reason == Reason.CONDITIONS else ()


def decide(
    rules: Sequence[Rule],
    cause: Cause,
    facts: Facts,
    kinds: Mapping[str, Kind],
    *,
    acted_before: Collection[UUID] = (),
) -> list[Decision]:
    """What each of the rules decides, in their order; a decision for every rule.

    `acted_before`: the rules that acted for this customer already. `kinds`: the fields that conditions may ask for.
    """
    decisions: list[Decision] = []
    is_stopped = False
    for rule in rules:
        decision = Decision(rule, Reason.STOPPED) if is_stopped else _decide(rule, cause, facts, kinds, acted_before)
        is_stopped = is_stopped or (decision.is_match and rule.stops_after)
        decisions.append(decision)
    return decisions


def _decide(
    rule: Rule, cause: Cause, facts: Facts, kinds: Mapping[str, Kind], acted_before: Collection[UUID]
) -> Decision:
    if cause.rule_id == rule.id:
        return Decision(rule, Reason.OWN_EVENT)
    if cause.depth >= MAX_DEPTH:
        return Decision(rule, Reason.DEPTH)
    verdict = evaluate(rule.condition, facts, kinds)
    if not verdict.holds:
        return Decision(rule, Reason.CONDITIONS, verdict.seen)
    if rule.hours != Hours.ANY and facts(BUSINESS_HOURS) is not (rule.hours == Hours.OPEN):
        return Decision(rule, Reason.HOURS, verdict.seen)
    if rule.is_once and rule.id in acted_before:
        return Decision(rule, Reason.ONCE, verdict.seen)
    return Decision(rule, Reason.MATCHED, verdict.seen)
