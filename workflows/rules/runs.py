"""A run: its steps one after another, all or nothing, until the end or until it has to wait."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from activity.actor import Actor, ActorKind
from activity.ledger import record
from activity.models import Event
from activity.payloads import Kind
from core import clock
from core.refused import Refused
from customers.models import Customer, Process
from customers.people.locking import CustomerMissing
from customers.work.processes import services as processes
from workflows import events
from workflows.models import RunWait, Workflow, WorkflowRun
from workflows.rules import fields
from workflows.rules.causes import cause_of
from workflows.rules.conditions import Condition, Verdict, evaluate
from workflows.rules.enabled import rule_of
from workflows.rules.facts import EventFacts
from workflows.rules.log import kept_seen, kept_step
from workflows.rules.performing import PERFORMERS, ActionFailed, ActionSkipped, Run, StepStatus, record_of
from workflows.rules.planning import Cause, Decision, Rule
from workflows.rules.steps import BRANCH, SPLIT, WAIT, Branch, Node, PlannedAction, Split, Wait

logger = logging.getLogger(__name__)

# So many failures in a row pause a rule.
MAX_FAILURES: Final = 10
# How often a condition that is waited for is asked, beside each time that something happens to the customer.
ASK_AGAIN: Final = timedelta(hours=1)


class NotFailed(Refused):
    """The run did what it was to do."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This run did not fail: there is nothing to do again."))


class ActedMeanwhile(Refused):
    """The rule acts once for a customer, and has done so on another event since the run failed."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("The rule acts once for a customer, and did so meanwhile: there is nothing to do again."))


def begin(decision: Decision, event: Event, facts: EventFacts, cause: Cause) -> None:
    """Begin the run of a rule that matched, unless it was begun before."""
    rule = decision.rule
    run, is_new = WorkflowRun.objects.get_or_create(
        workflow_id=rule.id,
        event=event,
        defaults={
            "organization": event.organization,
            "version": rule.version,
            "status": WorkflowRun.Status.DONE,
            "conditions": [kept_seen(seen) for seen in decision.seen],
        },
    )
    if is_new:
        take_steps(run, rule, event, facts, cause, path=rule.program.first, due_at=event.occurred_at)
        run.save(update_fields=["status", "steps", "path"])


def show(run: WorkflowRun) -> None:
    """Show where a way through a sequence stands, beside the customer's other processes. Called with the customer held;
    nothing of a run of a rule."""
    if run.process_id is None:
        return
    process = Process.objects.select_related("organization", "customer", "last_action").get(pk=run.process_id)
    next_at = RunWait.objects.filter(run=run).values_list("wakes_at", flat=True).first()
    actor = Actor(ActorKind.WORKFLOW, str(run.workflow_id), process.name)
    processes.follow(process=process, status=SHOWN_AS[run.status], next_at=next_at, actor=actor)


def is_open(run: WorkflowRun) -> bool:
    """False where a merge ended the way through the sequence, as the other of the two was in it as well."""
    return run.process_id is None or Process.objects.filter(pk=run.process_id, status__in=Process.OPEN).exists()


# What failed, or asks a person, goes on when somebody says so.
SHOWN_AS: Final[Mapping[str, str]] = {
    WorkflowRun.Status.DONE: Process.Status.COMPLETED,
    WorkflowRun.Status.CANCELLED: Process.Status.CANCELLED,
    WorkflowRun.Status.WAITING: Process.Status.ACTIVE,
    WorkflowRun.Status.PAUSED: Process.Status.PAUSED,
    WorkflowRun.Status.HELD: Process.Status.PAUSED,
    WorkflowRun.Status.FAILED: Process.Status.PAUSED,
}


def take_steps(
    run: WorkflowRun, rule: Rule, event: Event, facts: EventFacts, cause: Cause, *, path: str | None,
    due_at: datetime, is_resumed: bool = False,
) -> None:  # fmt: skip
    """Take the steps from a path on, all or nothing, until the end or a wait; the outcome is written on the run, which
    the caller saves. Failures in a row are counted, and pause the rule."""
    actor = Actor(ActorKind.WORKFLOW, str(rule.id), rule.name, request_id=event.request_id, depth=cause.depth + 1)
    context = Run(run, event, actor, facts, due_at, is_resumed)
    walk = _Walk(context, rule)
    before = list(run.steps)
    try:
        with transaction.atomic():
            is_waiting = walk.go(path, len(before))
    except _Stop as stop:
        for step in walk.steps:
            step["status"] = StepStatus.UNDONE if step["status"] == StepStatus.DONE else step["status"]
        walk.steps.append(stop.step)
        # What the actions changed on the records in memory was taken back.
        facts.forget()
        run.status, run.path = WorkflowRun.Status.FAILED, path or ""
    else:
        run.status, run.path = WorkflowRun.Status.WAITING if is_waiting else WorkflowRun.Status.DONE, ""
    run.steps = [*before, *walk.steps]
    _count(run, rule)


def retry(*, run: WorkflowRun) -> WorkflowRun:
    """Take the steps of a failed run again from where it went wrong, by the rule as it is now: a failure took back what
    the run had done since it began or went on; what came before a wait stays as it is.

    The conditions are not asked again: that they held is what the run says. Raises NotFailed, ActedMeanwhile,
    or InSequence for a way through a sequence that somebody ended, or a merge.
    """
    with transaction.atomic():
        event = Event.objects.select_related("organization").get(pk=run.event_id)
        facts = EventFacts(event, at=timezone.now())
        # The customer before the run, as erasing them does.
        hold_customer(event)
        locked = WorkflowRun.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=run.pk)
        if locked.status != WorkflowRun.Status.FAILED:
            raise NotFailed
        if not is_open(locked):
            raise processes.InSequence
        if locked.workflow.is_once and acted_before([locked.workflow_id], facts):
            raise ActedMeanwhile
        rule = rule_of(locked.workflow)
        path = locked.path if locked.path in rule.program.nodes else rule.program.first
        is_resumed = path != rule.program.first
        locked.tries += 1
        locked.version = rule.version
        # Of what it did before it waited everything stays, the failed attempt goes.
        undone = (StepStatus.UNDONE, StepStatus.FAILED)
        locked.steps = [step for step in locked.steps if step["status"] not in undone] if is_resumed else []
        take_steps(
            locked, rule, event, facts, cause_of(event), path=path, due_at=event.occurred_at, is_resumed=is_resumed
        )
        locked.updated_at = timezone.now()
        locked.save(update_fields=["status", "steps", "path", "tries", "version", "updated_at"])
        show(locked)
    return locked


def hold_customer(event: Event) -> bool:
    """Lock whom the event is about before anything of theirs is read: of two events at once one sees what the other
    did, and what erasing removes is not written down again. False for somebody who was erased: nothing is left to
    decide by."""
    if event.customer_id is None:
        return True
    rows = Customer.objects.select_for_update(of=("self",), no_key=True)
    pk = event.customer_id
    while (row := rows.filter(pk=pk).only("merged_into_id", "erased_at").first()) is not None:
        if row.merged_into_id is None:
            return row.erased_at is None
        pk = row.merged_into_id
    return True


def acted_before(rules: Collection[UUID], facts: EventFacts) -> frozenset[UUID]:
    """Of rules that act once for a customer those that did so for this one, whose row is locked, or wait to go on."""
    if not rules or facts.customer is None:
        return frozenset()
    runs = WorkflowRun.objects.filter(workflow__in=rules, event__customer_id=facts.customer.pk)
    acted = runs.filter(status__in=[WorkflowRun.Status.DONE, *WorkflowRun.OPEN])
    return frozenset(acted.values_list("workflow_id", flat=True))


def ask(condition: Condition, event: Event, facts: EventFacts) -> Verdict:
    """Ask a condition of a rule's step by the facts as they are."""
    return evaluate(condition, facts, kinds_of(event))


def kinds_of(event: Event) -> Mapping[str, Kind]:
    """The fields that the event's trigger offers."""
    trigger = fields.trigger_of(event.type)
    return fields.kinds_for(trigger, fields.own_fields()) if trigger is not None else {}


def _count(run: WorkflowRun, rule: Rule) -> None:
    """Count failures in a row; enough of them pause the rule, and say so in the ledger."""
    rows = Workflow.objects.filter(pk=run.workflow_id)
    if run.status != WorkflowRun.Status.FAILED:
        if rule.failures:
            rows.update(failures=0)
        return
    rows.update(failures=F("failures") + 1)
    now = timezone.now()
    if rows.filter(is_enabled=True, failures__gte=MAX_FAILURES).update(is_enabled=False, paused_at=now, updated_at=now):
        row = rows.get()
        record(events.WORKFLOW_PAUSED, subject=row, payload={"name": row.name, "failures": row.failures})


class _Stop(Exception):
    """An action failed: the run ends here and takes back what it did."""

    def __init__(self, step: dict[str, object]) -> None:
        super().__init__()
        self.step = step


class _Walk:
    """The way through the steps; what became of each is in `steps`."""

    def __init__(self, context: Run, rule: Rule) -> None:
        self.context, self.rule = context, rule
        self.steps: list[dict[str, object]] = []

    def go(self, path: str | None, number: int) -> bool:
        """Take the steps; whether the run waits now. `number`: how many it took before. Raises _Stop."""
        program = self.rule.program
        while path is not None:
            node = program.nodes[path]
            self.context.step = number + len(self.steps)
            step = node.step
            if isinstance(step, Wait):
                if self._waits(node, step):
                    return True
                path = node.following
            elif isinstance(step, Branch):
                path = node.targets[self._branch(node, step)]
            elif isinstance(step, Split):
                chosen = step.choose(self.context.row.pk, path)
                self.steps.append(kept_step(SPLIT, StepStatus.DONE, _branch_text(chosen), path=path))
                path = node.targets[chosen]
            else:
                self.steps.append(self._act(node, step))
                path = node.following
        return False

    def _branch(self, node: Node, branch: Branch) -> int:
        facts = self.context.facts
        kinds = kinds_of(self.context.event)
        for number, (condition, _steps) in enumerate(branch.branches):
            if evaluate(condition, facts, kinds).holds:
                self.steps.append(kept_step(BRANCH, StepStatus.DONE, _branch_text(number), path=node.path))
                return number
        self.steps.append(kept_step(BRANCH, StepStatus.DONE, _("None of the branches applied."), path=node.path))
        return len(branch.branches)

    def _waits(self, node: Node, wait: Wait) -> bool:
        """Begin to wait; False where what is waited for is there already."""
        now = clock.now()
        times_out_at = None if wait.timeout is None else now + wait.timeout
        if wait.is_until_open:
            wakes_at = self._opens_at(now, node)
        elif wait.condition is not None:
            is_there = ask(wait.condition, self.context.event, self.context.facts).holds
            wakes_at = now if is_there else min(now + ASK_AGAIN, times_out_at or now + ASK_AGAIN)
        else:
            wakes_at = now + (wait.length or wait.quiet or timedelta())
        if self.rule.keeps_hours:
            wakes_at = self._opens_at(wakes_at, node)
        if wakes_at <= now:
            self.steps.append(kept_step(WAIT, StepStatus.DONE, _("There was nothing to wait for."), path=node.path))
            return False
        customer = self.context.facts.customer
        RunWait.objects.create(
            organization=self.context.organization,
            run=self.context.row,
            customer=customer,
            path=node.path,
            began_at=now,
            wakes_at=wakes_at,
            due_at=wakes_at,
            times_out_at=times_out_at,
            asks_again=wait.condition is not None,
            cancel_on=sorted(self.rule.cancel_on),
        )
        self.steps.append(kept_step(WAIT, StepStatus.WAITING, "", path=node.path))
        return True

    def _opens_at(self, at: datetime, node: Node) -> datetime:
        """Raises _Stop for a calendar that never opens: what is to be done within its hours is not done outside."""
        opens = self.context.facts.hours.opens_at(at)
        if opens is None:
            text = _("The business calendar has no opening within a year.")
            raise _Stop(kept_step(WAIT, StepStatus.FAILED, text, path=node.path))
        return opens

    def _act(self, node: Node, action: PlannedAction) -> dict[str, object]:
        performer = PERFORMERS.get(action.name)
        if performer is None:
            text = _("Nothing takes this action any more.")
            raise _Stop(kept_step(action.name, StepStatus.FAILED, text, path=node.path))
        try:
            # A savepoint of its own: what is skipped half-way leaves nothing.
            with transaction.atomic():
                result = performer.perform(self.context, action.params)
        except (ActionSkipped, CustomerMissing) as skipped:
            return kept_step(action.name, StepStatus.SKIPPED, str(skipped), path=node.path)
        except (ActionFailed, Refused) as failed:
            raise _Stop(kept_step(action.name, StepStatus.FAILED, str(failed), path=node.path)) from failed
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("workflow_action_failed", extra={"workflow": self.context.actor.id, "action": action.name})
            text = _("This failed for a reason of ours, which stands in the log of the installation.")
            raise _Stop(kept_step(action.name, StepStatus.FAILED, text, path=node.path)) from error
        record_type, record_id = record_of(result)
        return kept_step(
            action.name, StepStatus.DONE, result.detail, path=node.path, record_type=record_type, record_id=record_id
        )


def _branch_text(number: int) -> str:
    return _("Took branch %(number)s.") % {"number": number + 1}
