"""What becomes of runs that wait, by what happens and by what people say; going on is in `going_on`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activity.actor import Actor, ActorKind
from activity.ledger import record
from activity.models import Event
from core import clock
from core.claims import released
from core.jobs import wake_up
from core.refused import Refused
from customers import events as customer_events
from customers.models import Customer
from messaging import events as message_events
from workflows import events
from workflows.models import RunWait, Workflow, WorkflowRun, WorkflowVersion
from workflows.rules import runs
from workflows.rules.enabled import rule_of
from workflows.rules.log import kept_step
from workflows.rules.performing import StepStatus
from workflows.rules.planning import Rule
from workflows.rules.steps import WAIT, CancelOn, Wait

GO_ON: Final = "workflows.tasks.go_on"

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


def cancel_by(happened: Sequence[Event]) -> None:
    """End the waits of the customers of these events, of one type, whose rule says so; in the transaction in which it
    happens. What a rule does itself never ends its own."""
    counting = [event for event in happened if event.customer_id is not None and counts(event)]
    if not counting:
        return
    waits = RunWait.objects.filter(customer__in={event.customer_id for event in counting})
    if not _hold_customers(waits):
        return
    by_customer: dict[object, list[RunWait]] = {}
    for wait in waits.select_related("run").select_for_update(of=("self",)):
        by_customer.setdefault(wait.customer_id, []).append(wait)
    for event in counting:
        cause, lasting = CAUSES[event.type], []
        for wait in by_customer.get(event.customer_id, ()):
            if cause in wait.cancel_on and not is_own(event, wait.run.workflow_id):
                end_wait(wait, str(WHY[cause]))
            else:
                lasting.append(wait)
        by_customer[event.customer_id] = lasting


def ask_again(event: Event) -> None:
    """Have the conditions asked that the customer's runs wait for: this may be what they wait for. One statement where
    nothing waits.

    Whoever asks them just now holds the customer, and may have read what was before: theirs is waited for, so that the
    wait is free again. One that is claimed and not asked yet will see what happened.
    """
    if event.customer_id is None:
        return
    waiting = RunWait.objects.filter(customer=event.customer_id, asks_again=True, due_at__isnull=False)
    if _hold_customers(waiting) and waiting.filter(claim_token__isnull=True).update(due_at=clock.now()):
        wake_up(GO_ON)


@transaction.atomic
def cancel(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """End a run that waits, for a person. Raises NotWaiting."""
    wait = _locked(run)
    end_wait(wait, _("%(name)s ended it.") % {"name": actor.label or _("Somebody")})
    record(events.RUN_CANCELLED, subject=wait.run.workflow, actor=actor, payload={"name": wait.run.workflow.name})
    return wait.run


@transaction.atomic
def go_on(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """Have a run go on now that asks a person or still waits; its conditions are asked again. Raises NotWaiting."""
    wait = _locked_of_open(run)
    now = clock.now()
    changes: dict[str, object] = {"due_at": now, "wakes_at": now, "last_error": "", **released()}
    RunWait.objects.filter(pk=wait.pk).update(**changes, is_called=True)
    WorkflowRun.objects.filter(pk=wait.run_id).update(status=WorkflowRun.Status.WAITING, updated_at=timezone.now())
    record(events.RUN_CONTINUED, subject=wait.run.workflow, actor=actor, payload={"name": wait.run.workflow.name})
    wake_up(GO_ON)
    wait.run.status = WorkflowRun.Status.WAITING
    runs.show(wait.run)
    return wait.run


def pause(*, run: WorkflowRun) -> None:
    """Let a run that waits rest until it is resumed. Raises NotWaiting."""
    wait = _locked(run)
    RunWait.objects.filter(pk=wait.pk).update(due_at=None, **released())
    _set_status(wait, WorkflowRun.Status.PAUSED)


def resume(*, run: WorkflowRun) -> None:
    """Have a run that rests wait again for what is left of its time, if anything is. Raises NotWaiting."""
    wait = _locked(run)
    wakes_at = max(wait.wakes_at, clock.now())
    RunWait.objects.filter(pk=wait.pk).update(due_at=wakes_at, wakes_at=wakes_at, **released())
    _set_status(wait, WorkflowRun.Status.WAITING)
    wake_up(GO_ON)


def put_off(*, run: WorkflowRun, until: datetime) -> None:
    """Have a run go on at another moment than its wait says. Raises NotWaiting."""
    wait = _locked(run)
    is_resting = wait.run.status != WorkflowRun.Status.WAITING
    changes = {"wakes_at": until} if is_resting else {"wakes_at": until, "due_at": until, **released()}
    RunWait.objects.filter(pk=wait.pk).update(**changes)
    wake_up(GO_ON)


def move(*, run: WorkflowRun, path: str, text: str) -> WorkflowRun:
    """Have a run wait at another step of its rule, from now on, and nothing between be done. Raises NotWaiting."""
    wait = _locked_of_open(run)
    rule = rule_of_run(wait.run)
    step = rule.program.nodes[path].step
    now = clock.now()
    wakes_at = now + ((step.length if isinstance(step, Wait) else None) or timedelta())
    changes: dict[str, object] = {"path": path, "began_at": now, "wakes_at": wakes_at, "is_called": False}
    if wait.run.status == WorkflowRun.Status.WAITING:
        changes |= {"due_at": wakes_at, **released()}
    RunWait.objects.filter(pk=wait.pk).update(**changes)
    skipped = kept_step(WAIT, StepStatus.SKIPPED, text, path=wait.path)
    wait.run.steps = [*waited(wait.run), skipped, kept_step(WAIT, StepStatus.WAITING, "", path=path)]
    wait.run.updated_at = timezone.now()
    wait.run.save(update_fields=["steps", "updated_at"])
    wait.refresh_from_db(fields=list(changes))
    runs.show(wait.run)
    wake_up(GO_ON)
    return wait.run


def end(*, run: WorkflowRun, why: str, status: WorkflowRun.Status = WorkflowRun.Status.CANCELLED) -> WorkflowRun:
    """End a run that waits. Raises NotWaiting."""
    wait = _locked(run)
    end_wait(wait, why, status)
    return wait.run


def of(run: WorkflowRun) -> RunWait:
    """The wait of a run, locked. Raises NotWaiting."""
    return _locked(run)


def content_of(run: WorkflowRun) -> list[dict[str, object]]:
    """The steps of the version by which the run goes."""
    row = run.workflow
    if run.version == row.version:
        return list(row.actions)
    return list(WorkflowVersion.objects.get(workflow=row, number=run.version).content["actions"])


def contents_of(of_runs: Sequence[WorkflowRun]) -> dict[UUID, list[dict[str, object]]]:
    """The same for many runs, by their ids; one query where some go by an older version."""
    older = {(run.workflow_id, run.version) for run in of_runs if run.version != run.workflow.version}
    asked = (Q(workflow=workflow, number=number) for workflow, number in older)
    rows = WorkflowVersion.objects.filter(reduce(or_, asked)) if older else ()
    kept = {(row.workflow_id, row.number): row.content["actions"] for row in rows}
    return {run.pk: list(kept.get((run.workflow_id, run.version), run.workflow.actions)) for run in of_runs}


def _set_status(wait: RunWait, status: WorkflowRun.Status) -> None:
    wait.run.status = status
    WorkflowRun.objects.filter(pk=wait.run_id).update(status=status, updated_at=timezone.now())
    runs.show(wait.run)


def end_all(*, workflow: Workflow, why: str) -> int:
    """End every run of the rule that waits; how many. In the caller's transaction."""
    waits = _held(workflow)
    for wait in waits:
        end_wait(wait, why)
    return len(waits)


def move_all(*, workflow: Workflow) -> None:
    """Have every run of the rule that waits go on at the same step of the rule as it is now; those whose step is gone
    end. In the caller's transaction."""
    nodes = rule_of(workflow).program.nodes
    for wait in _held(workflow):
        node = nodes.get(wait.path)
        if node is None or not isinstance(node.step, Wait):
            end_wait(wait, _("The rule does not have this step any more."))
            continue
        wait.cancel_on, wait.asks_again = workflow.cancel_on, node.step.condition is not None
        wait.save(update_fields=["cancel_on", "asks_again"])
        WorkflowRun.objects.filter(pk=wait.run_id).update(version=workflow.version)


def counts(event: Event) -> bool:
    """Whether an event of CAUSES ends waits: not what a program answered, and not an opt-in."""
    if event.type == message_events.MESSAGE_RECEIVED:
        return not event.payload.get("is_automatic")
    if event.type == message_events.MESSAGE_QUEUED:
        return event.actor_kind not in (ActorKind.WORKFLOW, ActorKind.SYSTEM)
    if event.type == customer_events.CONSENT_CHANGED:
        return event.payload.get("is_granted") is False
    return True


def is_own(event: Event, workflow_id: UUID) -> bool:
    """Whether the rule did this itself."""
    return event.actor_kind == ActorKind.WORKFLOW and event.actor_id == str(workflow_id)


def _locked(run: WorkflowRun) -> RunWait:
    _hold_customers(RunWait.objects.filter(run=run.pk))
    waits = RunWait.objects.select_for_update(of=("self",)).select_related("run__workflow")
    wait: RunWait | None = waits.filter(run=run.pk).first()
    if wait is None:
        raise NotWaiting
    return wait


def _locked_of_open(run: WorkflowRun) -> RunWait:
    """For what has it go on. Raises NotWaiting, also where a merge ended the way through the sequence: the customer is
    in it by another one, and nothing is to be done twice."""
    wait = _locked(run)
    if not runs.is_open(wait.run):
        raise NotWaiting
    return wait


def _held(workflow: Workflow) -> list[RunWait]:
    """The waits of a rule, locked after their customers."""
    waits = RunWait.objects.filter(run__workflow=workflow)
    _hold_customers(waits)
    return list(waits.select_related("run").select_for_update(of=("self",)))


def _hold_customers(waits: QuerySet[RunWait]) -> bool:
    """Lock the customers before their waits, as everything does: else two who want both wait for each other. False
    where nobody waits."""
    if not (customers := set(waits.values_list("customer_id", flat=True))):
        return False
    list(Customer.objects.filter(pk__in=customers).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return True


def end_wait(wait: RunWait, why: str, status: WorkflowRun.Status = WorkflowRun.Status.CANCELLED) -> None:
    run = wait.run
    run.status, run.updated_at = status, timezone.now()
    run.steps = [*waited(run), kept_step(WAIT, StepStatus.CANCELLED, why, path=wait.path)]
    run.save(update_fields=["status", "steps", "updated_at"])
    wait.delete()
    runs.show(run)


def waited(run: WorkflowRun) -> list[dict[str, object]]:
    """What the run did before it began to wait."""
    return [step for step in run.steps if step["status"] != StepStatus.WAITING]


def rule_of_run(run: WorkflowRun) -> Rule:
    """The rule with the content of the version by which the run began."""
    row = run.workflow
    if run.version != row.version:
        content = WorkflowVersion.objects.get(workflow=row, number=run.version).content
        for name, value in content.items():
            setattr(row, name, value)
        row.version = run.version
    return rule_of(row)
