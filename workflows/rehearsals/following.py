"""What a rule would have done about an event of the past: the engine's decision and steps, by the facts as they were
and a clock that runs through the customer's history. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from activity.models import Event
from activity.payloads import Kind
from workflows.models.rehearsal import RehearsedEvent
from workflows.rehearsals import effects
from workflows.rehearsals.history import PastFacts
from workflows.rehearsals.sending import Sender, SendPlan, is_answered, moment
from workflows.rules.conditions import Condition, comparisons, evaluate
from workflows.rules.going_on import HAPPENINGS
from workflows.rules.performing import ActionFailed, ActionSkipped, StepStatus
from workflows.rules.planning import BUSINESS_HOURS, Cause, Decision, Rule, decide
from workflows.rules.runs import ASK_AGAIN
from workflows.rules.steps import BRANCH, SPLIT, WAIT, Branch, Node, Program, Split, Then, Wait
from workflows.rules.waits import CAUSES, WHY, counts, is_own

Outcome = RehearsedEvent.Outcome
NO_END: Final = ""


class Ending(StrEnum):
    """What ended a run on its way beside the causes of `CancelOn`."""

    TIMEOUT = "timeout"
    CONDITIONS = "conditions"
    FAILED = "failed"


@dataclass(slots=True)
class Taken:
    """A step that would have been taken, when, and what would have become of it."""

    action: str
    path: str
    at: datetime
    status: StepStatus
    detail: str = ""
    is_answered: bool = False


@dataclass(slots=True)
class Report:
    """What the rule would have done about an event. `ended_by`: a CancelOn or an Ending; empty where nothing ended
    it. `plans`: what would have gone out, for whoever adds up its cost."""

    event: Event
    decision: Decision
    outcome: Outcome
    steps: list[Taken] = field(default_factory=list)
    ended_by: str = NO_END
    plans: list[SendPlan] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        return any(step.is_answered for step in self.steps)


class Follower:
    """Follows one rule through the events of customers, the oldest first for each. `ends_at`: now, beyond which
    nothing is known."""

    def __init__(self, rule: Rule, *, kinds: Mapping[str, Kind], sender: Sender, ends_at: datetime) -> None:
        # The program is asked for at every step: laid out once.
        self.rule, self.program = rule, Program.of(rule.steps)
        self.kinds, self.sender, self.ends_at = kinds, sender, ends_at
        self.acting = effects.Effects(sender)

    def follow(self, facts: PastFacts, cause: Cause, acted_before: frozenset[UUID]) -> Report:
        """What the rule would have done about the event of the facts."""
        event = facts.event
        facts.at = facts.history.settled(event)
        (decision,) = decide([self.rule], cause, facts, self.kinds, acted_before=acted_before)
        report = Report(event, decision, Outcome.ACTED if decision.is_match else Outcome.NOTHING)
        if decision.is_match:
            _Run(self, facts, report).go()
        return report


class _Ended(Exception):
    """The run ends here, or would still wait."""

    def __init__(self, outcome: Outcome, ended_by: str = NO_END) -> None:
        super().__init__(ended_by)
        self.outcome, self.ended_by = outcome, ended_by


class _Run:
    """The way through the steps in the time of the history: `facts.at` is the clock."""

    def __init__(self, follower: Follower, facts: PastFacts, report: Report) -> None:
        self.follower, self.facts, self.report = follower, facts, report
        self.is_resumed = False

    def go(self) -> None:
        program = self.follower.program
        path = program.first
        try:
            while path is not None:
                path = self._take(program.nodes[path])
        except _Ended as end:
            self.report.outcome, self.report.ended_by = end.outcome, end.ended_by

    def _take(self, node: Node) -> str | None:
        step = node.step
        if isinstance(step, Wait):
            self._wait(node, step)
            return node.following
        if isinstance(step, Branch):
            return node.targets[self._branch(node, step)]
        if isinstance(step, Split):
            # By chance, as it would be: for an event always the same.
            chosen = step.choose(self.report.event.pk, node.path)
            self._note(SPLIT, node, StepStatus.DONE, _("Took branch %(number)s.") % {"number": chosen + 1})
            return node.targets[chosen]
        self._act(node, step.name, step.params)
        return node.following

    def _note(self, action: str, node: Node, status: StepStatus, detail: str = "") -> Taken:
        taken = Taken(action, node.path, self.facts.at, status, detail)
        self.report.steps.append(taken)
        return taken

    def _holds(self, condition: Condition) -> bool:
        return evaluate(condition, self.facts, self.follower.kinds).holds

    def _branch(self, node: Node, branch: Branch) -> int:
        for number, (condition, _steps) in enumerate(branch.branches):
            if self._holds(condition):
                self._note(BRANCH, node, StepStatus.DONE, _("Took branch %(number)s.") % {"number": number + 1})
                return number
        self._note(BRANCH, node, StepStatus.DONE, _("None of the branches applied."))
        return len(branch.branches)

    def _act(self, node: Node, name: str, params: Mapping[str, object]) -> None:
        event, history = self.report.event, self.facts.history
        try:
            done = self.follower.acting.take(name, params, event, self.facts, is_resumed=self.is_resumed)
        except ActionSkipped as skipped:
            self._note(name, node, StepStatus.SKIPPED, str(skipped))
            return
        except ActionFailed as failed:
            # What a run did before is taken back with it; what came before a wait stays, as it would have.
            for taken in self._since_wait():
                taken.status = StepStatus.UNDONE if taken.status == StepStatus.DONE else taken.status
            self._note(name, node, StepStatus.FAILED, str(failed))
            raise _Ended(Outcome.ENDED, Ending.FAILED) from failed
        taken = self._note(name, node, StepStatus.DONE, done.detail)
        if done.plan is not None:
            self.report.plans.append(done.plan)
            history.sent.append(done.plan.at)
            taken.at = done.plan.at
            taken.is_answered = is_answered(history, event, done.plan.at)

    def _since_wait(self) -> Sequence[Taken]:
        numbers = [number for number, taken in enumerate(self.report.steps) if taken.action == WAIT]
        return self.report.steps[numbers[-1] + 1 if numbers else 0 :]

    def _wait(self, node: Node, wait: Wait) -> None:
        began_at = self.facts.at
        times_out_at = None if wait.timeout is None else began_at + wait.timeout
        goes_on_at = self._goes_on_at(node, wait, times_out_at)
        wakes_at = goes_on_at if goes_on_at is not None else times_out_at
        self._look_for_end(node, began_at, min(wakes_at or self.follower.ends_at, self.follower.ends_at))
        if wakes_at is None or wakes_at > self.follower.ends_at:
            self._note(WAIT, node, StepStatus.WAITING)
            raise _Ended(Outcome.WAITING)
        self.facts.at = wakes_at
        if goes_on_at is None and wait.then is Then.STOP:
            self._note(WAIT, node, StepStatus.CANCELLED, _("What it waited for did not come in time."))
            raise _Ended(Outcome.ENDED, Ending.TIMEOUT)
        if wakes_at > began_at:
            self.is_resumed = True
            self._ask_again(node)
        self._note(WAIT, node, StepStatus.DONE)

    def _ask_again(self, node: Node) -> None:
        """As the engine does when a wait is over: what held when it began may not hold any more."""
        verdict = evaluate(self.follower.rule.condition, self.facts, self.follower.kinds)
        if not verdict.holds:
            names = ", ".join(sorted({seen.comparison.field for seen in verdict.reasons}))
            text = _("The rule’s conditions do not hold any more: %(names)s.") % {"names": names}
            self._note(WAIT, node, StepStatus.CANCELLED, text)
            raise _Ended(Outcome.ENDED, Ending.CONDITIONS)

    def _look_for_end(self, node: Node, began_at: datetime, until: datetime) -> None:
        rule = self.follower.rule
        for event in self.facts.history.between(began_at, until):
            cause = CAUSES.get(event.type)
            if cause in rule.cancel_on and counts(event) and not is_own(event, rule.id):
                self.facts.at = event.occurred_at
                text = _("%(why)s (%(time)s)") % {"why": WHY[cause], "time": moment(event.occurred_at)}
                self._note(WAIT, node, StepStatus.CANCELLED, text)
                raise _Ended(Outcome.ENDED, cause)

    def _goes_on_at(self, node: Node, wait: Wait, times_out_at: datetime | None) -> datetime | None:
        """When what is waited for comes; None where its time runs out first, or it has not come by now."""
        began_at = self.facts.at
        if wait.is_until_open:
            opens_at = self.facts.hours.opens_at(began_at)
            if opens_at is None:
                self._note(WAIT, node, StepStatus.FAILED, _("The business calendar has no opening within a year."))
                raise _Ended(Outcome.ENDED, Ending.FAILED)
            return opens_at
        if wait.quiet is not None:
            comes_at = self._quiet_at(wait.quiet, began_at)
        elif wait.condition is not None:
            holds_at = self._condition_at(wait.condition, times_out_at)
            if holds_at is None:
                return None
            comes_at = holds_at
        else:
            return began_at + (wait.length or timedelta())
        return comes_at if times_out_at is None or comes_at <= times_out_at else None

    def _quiet_at(self, quiet: timedelta, began_at: datetime) -> datetime:
        comes_at = began_at + quiet
        for event in self.facts.history.between(began_at, self.follower.ends_at):
            if event.occurred_at >= comes_at:
                break
            if event.type in HAPPENINGS:
                comes_at = event.occurred_at + quiet
        return comes_at

    def _condition_at(self, condition: Condition, times_out_at: datetime | None) -> datetime | None:
        """The first moment at which it holds: asked when something happened, and by the hour where it asks the
        clock."""
        began_at = self.facts.at
        last = min(times_out_at or self.follower.ends_at, self.follower.ends_at)
        for at in self._moments(condition, began_at, last):
            self.facts.at = at
            holds = self._holds(condition)
            self.facts.at = began_at
            if holds:
                return at
        return None

    def _moments(self, condition: Condition, began_at: datetime, last: datetime) -> Iterator[datetime]:
        happened = [event.occurred_at for event in self.facts.history.between(began_at, last)]
        if any(one.field == BUSINESS_HOURS for one in comparisons(condition)):
            hours = int((last - began_at) / ASK_AGAIN)
            happened = sorted([*happened, *(began_at + ASK_AGAIN * (number + 1) for number in range(hours))])
        yield began_at
        yield from happened
