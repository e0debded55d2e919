"""Runs that wait: they go on when their time has come, or end by what their rule says; killed anywhere, nothing is
lost or done twice, since a run goes on in one transaction with the end of its wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activity.actor import Actor, ActorKind, acting_as
from activity.ledger import record
from activity.models import Event
from core import clock, queues
from core.claims import released, settle
from core.jobs import wake_up
from core.refused import Refused
from core.sweeps import sweep
from core.tenancy import organization_scope
from customers import events as customer_events
from customers.models import Customer
from messaging import events as message_events
from workflows import events
from workflows.models import RunWait, Workflow, WorkflowRun, WorkflowVersion
from workflows.rules import runs
from workflows.rules.causes import cause_of
from workflows.rules.enabled import rule_of
from workflows.rules.facts import EventFacts
from workflows.rules.log import kept_step
from workflows.rules.performing import StepStatus
from workflows.rules.planning import Rule
from workflows.rules.steps import WAIT, CancelOn, Then, Wait

LEASE: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(minutes=10)
GO_ON: Final = "workflows.tasks.go_on"

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
# The event of each cause, and what of these events counts.
CAUSES: Mapping[str, CancelOn] = {
    message_events.MESSAGE_RECEIVED: CancelOn.REPLY,
    message_events.MESSAGE_QUEUED: CancelOn.ANSWER,
    customer_events.CUSTOMER_ASSIGNED: CancelOn.ASSIGNMENT,
    customer_events.STAGE_CHANGED: CancelOn.STAGE,
    customer_events.OUTCOME_RECORDED: CancelOn.OUTCOME,
    customer_events.CONSENT_CHANGED: CancelOn.OPT_OUT,
}
WHY: Final = {
    CancelOn.REPLY: gettext_lazy("The customer wrote."),
    CancelOn.ANSWER: gettext_lazy("Somebody answered."),
    CancelOn.ASSIGNMENT: gettext_lazy("The customer got another owner."),
    CancelOn.STAGE: gettext_lazy("The customer moved in the pipeline."),
    CancelOn.OUTCOME: gettext_lazy("A result was recorded."),
    CancelOn.OPT_OUT: gettext_lazy("The customer opted out."),
}


class NotWaiting(Refused):
    """The run does not wait any more."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This run does not wait any more."))


def go_on_due() -> int:
    """Go on with what is due, the organizations in turn; how many were."""
    return sweep(QUEUE)


# --- What ends a wait, or has it looked at ----------------------------------------------------------------------------


def cancel_by(happened: Sequence[Event]) -> None:
    """End the waits of the customers of these events, of one type, whose rule says so; in the transaction in which it
    happens. What a rule does itself never ends its own."""
    counting = [event for event in happened if event.customer_id is not None and _counts(event)]
    if not counting:
        return
    waits = RunWait.objects.filter(customer__in={event.customer_id for event in counting})
    if not (customers := set(waits.values_list("customer_id", flat=True))):
        return
    # The customers before their waits, as everything does.
    list(Customer.objects.filter(pk__in=customers).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    by_customer: dict[object, list[RunWait]] = {}
    for wait in waits.select_related("run").select_for_update(of=("self",)):
        by_customer.setdefault(wait.customer_id, []).append(wait)
    for event in counting:
        cause, lasting = CAUSES[event.type], []
        for wait in by_customer.get(event.customer_id, ()):
            if cause in wait.cancel_on and not _is_own(event, wait):
                _end(wait, str(WHY[cause]))
            else:
                lasting.append(wait)
        by_customer[event.customer_id] = lasting


def ask_again(event: Event) -> None:
    """Have the conditions asked that the customer's runs wait for: this may be what they wait for. One statement."""
    if event.customer_id is not None:
        waiting = RunWait.objects.filter(customer=event.customer_id, asks_again=True, due_at__isnull=False)
        if waiting.filter(claim_token=None).update(due_at=clock.now()):
            wake_up(GO_ON)


@transaction.atomic
def cancel(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """End a run that waits, for a person. Raises NotWaiting."""
    wait = _locked(run)
    _end(wait, _("%(name)s ended it.") % {"name": actor.label or _("Somebody")})
    record(events.RUN_CANCELLED, subject=wait.run.workflow, actor=actor, payload={"name": wait.run.workflow.name})
    return wait.run


@transaction.atomic
def go_on(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """Have a run go on now that asks a person or still waits; its conditions are asked again. Raises NotWaiting."""
    wait = _locked(run)
    now = clock.now()
    changes: dict[str, object] = {"due_at": now, "wakes_at": now, "last_error": "", **released()}
    RunWait.objects.filter(pk=wait.pk).update(**changes, is_called=True)
    WorkflowRun.objects.filter(pk=wait.run_id).update(status=WorkflowRun.Status.WAITING, updated_at=timezone.now())
    record(events.RUN_CONTINUED, subject=wait.run.workflow, actor=actor, payload={"name": wait.run.workflow.name})
    wake_up(GO_ON)
    wait.run.status = WorkflowRun.Status.WAITING
    return wait.run


def end_all(*, workflow: Workflow, why: str) -> int:
    """End every run of the rule that waits; how many. In the caller's transaction."""
    waits = list(RunWait.objects.filter(run__workflow=workflow).select_related("run").select_for_update(of=("self",)))
    for wait in waits:
        _end(wait, why)
    return len(waits)


def move_all(*, workflow: Workflow) -> None:
    """Have every run of the rule that waits go on at the same step of the rule as it is now; those whose step is gone
    end. In the caller's transaction."""
    nodes = rule_of(workflow).program.nodes
    for wait in RunWait.objects.filter(run__workflow=workflow).select_related("run").select_for_update(of=("self",)):
        node = nodes.get(wait.path)
        if node is None or not isinstance(node.step, Wait):
            _end(wait, _("The rule does not have this step any more."))
            continue
        wait.cancel_on, wait.asks_again = workflow.cancel_on, node.step.condition is not None
        wait.save(update_fields=["cancel_on", "asks_again"])
        WorkflowRun.objects.filter(pk=wait.run_id).update(version=workflow.version)


def _counts(event: Event) -> bool:
    if event.type == message_events.MESSAGE_RECEIVED:
        return not event.payload.get("is_automatic")
    if event.type == message_events.MESSAGE_QUEUED:
        return event.actor_kind not in (ActorKind.WORKFLOW, ActorKind.SYSTEM)
    if event.type == customer_events.CONSENT_CHANGED:
        return event.payload.get("is_granted") is False
    return True


def _is_own(event: Event, wait: RunWait) -> bool:
    return event.actor_kind == ActorKind.WORKFLOW and event.actor_id == str(wait.run.workflow_id)


def _locked(run: WorkflowRun) -> RunWait:
    waits = RunWait.objects.select_for_update(of=("self",)).select_related("run__workflow")
    wait: RunWait | None = waits.filter(run=run.pk).first()
    if wait is None:
        raise NotWaiting
    return wait


def _end(wait: RunWait, why: str, status: WorkflowRun.Status = WorkflowRun.Status.CANCELLED) -> None:
    run = wait.run
    run.status, run.updated_at = status, timezone.now()
    run.steps = [*_waited(run), kept_step(WAIT, StepStatus.CANCELLED, why, path=wait.path)]
    run.save(update_fields=["status", "steps", "updated_at"])
    wait.delete()


def _waited(run: WorkflowRun) -> list[dict[str, object]]:
    """What the run did before it began to wait."""
    return [step for step in run.steps if step["status"] != StepStatus.WAITING]


# --- Going on ---------------------------------------------------------------------------------------------------------


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
            _end(current, _("The customer was erased."))
            return
        current.run.event = event
        _look(current, clock.now())


def _look(wait: RunWait, now: datetime) -> None:
    """What the wait comes to: it ends and the run goes on, or it lasts longer."""
    rule = _rule(wait.run)
    node = rule.program.nodes.get(wait.path)
    if node is None or not isinstance(node.step, Wait):
        _end(wait, _("The rule does not have this step any more."))
        return
    if not wait.is_called and wait.wakes_at < now - timedelta(hours=settings.AUTOMATION_LATE_HOURS):
        _hold(wait, _("This was to go on more than %(hours)s hours ago, so somebody has to look at it first.")
              % {"hours": settings.AUTOMATION_LATE_HOURS})  # fmt: skip
        return
    facts = EventFacts(wait.run.event, at=now)
    goes_on_at = now if wait.is_called else _goes_on_at(wait, node.step, facts, now)
    is_over = wait.times_out_at is not None and wait.times_out_at <= now
    if goes_on_at > now and not is_over:
        next_look = min(goes_on_at, wait.times_out_at or goes_on_at)
        settle(wait, due_at=next_look, wakes_at=next_look)
        return
    if goes_on_at > now and node.step.then is Then.STOP:
        _end(wait, _("What it waited for did not come in time."), WorkflowRun.Status.DONE)
        return
    # Everything is asked again: what held when it began may not hold any more.
    verdict = runs.ask(rule.condition, wait.run.event, facts)
    if not verdict.holds:
        names = ", ".join(sorted({seen.comparison.field for seen in verdict.reasons}))
        _end(wait, _("The rule’s conditions do not hold any more: %(names)s.") % {"names": names})
        return
    _resume(wait, rule, node.following, facts)


def _goes_on_at(wait: RunWait, step: Wait, facts: EventFacts, now: datetime) -> datetime:
    """When the run goes on, as far as is known now."""
    if step.condition is not None:
        return now if runs.ask(step.condition, wait.run.event, facts).holds else now + runs.ASK_AGAIN
    if step.quiet is not None:
        return _last_happening(wait) + step.quiet
    return wait.wakes_at


def _last_happening(wait: RunWait) -> datetime:
    """When something happened to the customer last, the beginning of the wait at the earliest."""
    rows = Event.objects.filter(customer_id=wait.customer_id, type__in=HAPPENINGS, occurred_at__gt=wait.began_at)
    last: datetime | None = rows.aggregate(last=Max("occurred_at"))["last"] if wait.customer_id else None
    return last or wait.began_at


def _resume(wait: RunWait, rule: Rule, path: str | None, facts: EventFacts) -> None:
    run, event = wait.run, wait.run.event
    due_at = wait.wakes_at
    waited = kept_step(WAIT, StepStatus.DONE, "", path=wait.path)
    run.steps = [*_waited(run), waited]
    wait.delete()
    runs.take_steps(run, rule, event, facts, cause_of(event), path=path, due_at=due_at, is_resumed=True)
    run.updated_at = timezone.now()
    run.save(update_fields=["status", "steps", "path", "updated_at"])


def _rule(run: WorkflowRun) -> Rule:
    """The rule with the content of the version by which the run began."""
    row = run.workflow
    if run.version != row.version:
        content = WorkflowVersion.objects.get(workflow=row, number=run.version).content
        for name, value in content.items():
            setattr(row, name, value)
        row.version = run.version
    return rule_of(row)


def _hold(wait: RunWait, why: str) -> None:
    """Have it ask a person: it goes on when somebody says so."""
    run = wait.run
    settle(wait, due_at=None)
    run.status, run.updated_at = WorkflowRun.Status.HELD, timezone.now()
    run.steps = [*_waited(run), kept_step(WAIT, StepStatus.WAITING, why, path=wait.path)]
    run.save(update_fields=["status", "steps", "updated_at"])
    payload = {"name": run.workflow.name, "run": str(run.pk)}
    record(events.RUN_HELD, subject=run.workflow, payload=payload, customer_id=wait.customer_id)


def _set_aside(wait: RunWait, reason: str) -> None:
    if settle(wait, due_at=None, last_error=reason[:500]):
        with organization_scope(wait.organization):
            runs_of_it = WorkflowRun.objects.filter(pk=wait.run_id)
            runs_of_it.update(status=WorkflowRun.Status.HELD, updated_at=timezone.now())


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
        for_operators=queues.stopped(RunWait),
    )
)
