"""Runs that wait go on when their time has come; killed anywhere, nothing is lost or done twice, since a run goes on
in one transaction with the end of its wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from activity.actor import Actor, ActorKind, acting_as
from activity.ledger import record
from activity.models import Event
from core import clock, queues
from core.claims import settle
from core.sweeps import sweep
from core.tenancy import organization_scope
from customers import events as customer_events
from messaging import events as message_events
from workflows import events
from workflows.models import RunWait, WorkflowRun
from workflows.rules import runs
from workflows.rules.causes import cause_of
from workflows.rules.facts import EventFacts
from workflows.rules.log import kept_step
from workflows.rules.performing import StepStatus
from workflows.rules.planning import Rule
from workflows.rules.steps import WAIT, Then, Wait
from workflows.rules.waits import end_wait, rule_of_run, waited

LEASE: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(minutes=10)
# What counts as something that happened to a customer, for those who wait until nothing did for a while.
HAPPENINGS: Final = (
    message_events.MESSAGE_RECEIVED,
    message_events.MESSAGE_QUEUED,
    message_events.NOTE_ADDED,
    customer_events.INTERACTION_LOGGED,
    customer_events.STAGE_CHANGED,
    customer_events.CUSTOMER_UPDATED,
    customer_events.CUSTOMER_ASSIGNED,
)


def go_on_due() -> int:
    """Go on with what is due, the organizations in turn; how many were."""
    return sweep(QUEUE)


def _rows() -> QuerySet[RunWait]:
    rows = RunWait.objects.select_related("organization", "run__workflow", "run__event__organization")
    # Of a rule that is switched off everything rests.
    return rows.filter(run__workflow__is_enabled=True)


def _work(wait: RunWait) -> None:
    event = wait.run.event
    actor = Actor(ActorKind.SYSTEM, request_id=event.request_id, depth=event.depth)
    with organization_scope(wait.organization), acting_as(actor), transaction.atomic():
        # The customer before the run, as everything does.
        is_there = runs.hold_customer(event)
        locked = RunWait.objects.select_for_update(of=("self",)).select_related("run__workflow")
        current = locked.filter(pk=wait.pk, claim_token=wait.claim_token).first()
        if current is None:
            return  # ended, or another worker's by now
        if not is_there:
            end_wait(current, _("The customer was erased."))
            return
        current.run.event = event
        if not runs.is_open(current.run):
            end_wait(current, _("Somebody ended it."))
            return
        _look(current, clock.now())


def _look(wait: RunWait, now: datetime) -> None:
    """What the wait comes to: it ends and the run goes on, or it lasts longer."""
    rule = rule_of_run(wait.run)
    node = rule.program.nodes.get(wait.path)
    if node is None or not isinstance(node.step, Wait):
        end_wait(wait, _("The rule does not have this step any more."))
        return
    if not wait.is_called and wait.wakes_at < now - timedelta(hours=settings.AUTOMATION_LATE_HOURS):
        _hold(wait, _("This was to go on more than %(hours)s hours ago, so somebody has to look at it first.")
              % {"hours": settings.AUTOMATION_LATE_HOURS})  # fmt: skip
        return
    facts = EventFacts(wait.run.event, at=now)
    goes_on_at = now if wait.is_called else _goes_on_at(wait, rule, node.step, facts, now)
    is_over = wait.times_out_at is not None and wait.times_out_at <= now
    if goes_on_at > now and not is_over:
        next_look = min(goes_on_at, wait.times_out_at or goes_on_at)
        settle(wait, due_at=next_look, wakes_at=next_look)
        runs.show(wait.run)
        return
    if goes_on_at > now and node.step.then is Then.STOP:
        end_wait(wait, _("What it waited for did not come in time."), WorkflowRun.Status.DONE)
        return
    # Everything is asked again: what held when it began may not hold any more.
    verdict = runs.ask(rule.condition, wait.run.event, facts)
    if not verdict.holds:
        names = ", ".join(sorted({seen.comparison.field for seen in verdict.reasons}))
        end_wait(wait, _("The rule’s conditions do not hold any more: %(names)s.") % {"names": names})
        return
    _resume(wait, rule, node.following, facts)


def _goes_on_at(wait: RunWait, rule: Rule, step: Wait, facts: EventFacts, now: datetime) -> datetime:
    """When the run goes on, as far as is known now."""
    if step.condition is not None:
        return now if runs.ask(step.condition, wait.run.event, facts).holds else now + runs.ASK_AGAIN
    if step.quiet is not None:
        return _last_happening(wait) + step.quiet
    if rule.keeps_hours and wait.wakes_at <= now:
        # The calendar may say another thing than when the wait began; one that opens no more is asked again.
        return facts.hours.opens_at(now) or now + runs.ASK_AGAIN
    return wait.wakes_at


def _last_happening(wait: RunWait) -> datetime:
    """When something happened to the customer last, the beginning of the wait at the earliest."""
    rows = Event.objects.filter(customer_id=wait.customer_id, type__in=HAPPENINGS, occurred_at__gt=wait.began_at)
    last: datetime | None = rows.aggregate(last=Max("occurred_at"))["last"] if wait.customer_id else None
    return last or wait.began_at


def _resume(wait: RunWait, rule: Rule, path: str | None, facts: EventFacts) -> None:
    run, event = wait.run, wait.run.event
    due_at = wait.wakes_at
    run.steps = [*waited(run), kept_step(WAIT, StepStatus.DONE, "", path=wait.path)]
    wait.delete()
    runs.take_steps(run, rule, event, facts, cause_of(event), path=path, due_at=due_at, is_resumed=True)
    run.updated_at = timezone.now()
    run.save(update_fields=["status", "steps", "path", "updated_at"])
    runs.show(run)


def _hold(wait: RunWait, why: str) -> None:
    """Have it ask a person: it goes on when somebody says so."""
    run = wait.run
    settle(wait, due_at=None)
    run.status, run.updated_at = WorkflowRun.Status.HELD, timezone.now()
    run.steps = [*waited(run), kept_step(WAIT, StepStatus.WAITING, why, path=wait.path)]
    run.save(update_fields=["status", "steps", "updated_at"])
    runs.show(run)
    payload = {"name": run.workflow.name, "run": str(run.pk)}
    record(events.RUN_HELD, subject=run.workflow, payload=payload, customer_id=wait.customer_id)


def _set_aside(wait: RunWait, reason: str) -> None:
    if settle(wait, due_at=None, last_error=reason[:500]):
        with organization_scope(wait.organization):
            runs_of_it = WorkflowRun.objects.filter(pk=wait.run_id)
            runs_of_it.update(status=WorkflowRun.Status.HELD, updated_at=timezone.now())
            if (run := runs_of_it.first()) is not None:
                runs.show(run)


QUEUE = queues.register(
    queues.Queue(
        name="runs that wait",
        model=RunWait,
        rows=_rows,
        work=_work,
        set_aside=_set_aside,
        why="runs of all organizations go on by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(RunWait, since="began_at"),
    )
)
