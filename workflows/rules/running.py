"""Running the rules on an event: once for each rule, however often the event is dispatched."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from activity.actor import Actor, ActorKind
from activity.ledger import record
from activity.models import Event
from activity.rules import OWN_FIELD_PREFIX
from core.refused import Refused
from customers.models import Customer, CustomField, Task
from customers.people.locking import CustomerMissing
from messaging.events import MESSAGE_RECEIVED
from messaging.models import Message
from workflows import events
from workflows.models import Evaluation, RunMessage, Workflow, WorkflowRun
from workflows.rules import facts as event_facts
from workflows.rules import fields
from workflows.rules.conditions import Comparison, InvalidConditions, Seen, comparisons, parse
from workflows.rules.facts import EventFacts
from workflows.rules.performing import (
    PERFORMERS,
    TASK_ORIGIN,
    ActionFailed,
    ActionSkipped,
    Run,
    StepStatus,
    record_of,
)
from workflows.rules.planning import Cause, Decision, Hours, PlannedAction, Rule, decide

logger = logging.getLogger(__name__)

# So many failures in a row pause a rule.
MAX_FAILURES: Final = 10
MAX_PURGED_AT_ONCE: Final = 2000
MAX_PURGE_STEPS: Final = 50


def run_rules(event: Event) -> None:
    """Decide every enabled rule of the event's trigger, take the actions of those that match, keep what was decided.

    In the transaction of the event's receipt, so nothing of it happens twice. Raises what the database raises; an
    action that fails takes back its own run, and the other rules go on.
    """
    rows = enabled_for(event.type)
    if not rows:
        return
    facts = EventFacts(event)
    if not _hold_customer(event):
        return
    cause = cause_of(event)
    decisions = decide_all(rows, event, facts, acted_before=_acted_before(rows, facts), cause=cause)
    by_id = {row.pk: row for row in rows}
    for decision in decisions:
        if decision.is_match:
            _run(by_id[decision.rule.id], decision, event, facts, cause)
    Evaluation.objects.get_or_create(
        event=event,
        organization=event.organization,
        defaults={"decisions": [_kept_decision(by_id[decision.rule.id], decision) for decision in decisions]},
    )


def enabled_for(event_type: str) -> list[Workflow]:
    """The enabled rules of a trigger, in the order in which they run; one query."""
    rows = Workflow.objects.filter(trigger_event=event_type, is_enabled=True)
    return list(rows.order_by("position", "created_at", "pk"))


def decide_all(
    rows: Sequence[Workflow],
    event: Event,
    facts: EventFacts,
    *,
    acted_before: frozenset[UUID] = frozenset(),
    own: Sequence[CustomField] | None = None,
    cause: Cause | None = None,
) -> list[Decision]:
    """What each rule decides about the event, by the facts as they are now. Nothing is written.

    `own`: the organization's own fields, looked up where a rule asks for one and they are not given. `cause`: the
    same of what caused the event.
    """
    rules = [rule_of(row) for row in rows]
    trigger = fields.trigger_of(event.type)
    is_own = any(
        comparison.field.startswith(OWN_FIELD_PREFIX) for rule in rules for comparison in comparisons(rule.condition)
    )
    if own is None:
        own = fields.own_fields() if is_own else []
    kinds = fields.kinds_for(trigger, own) if trigger is not None else {}
    return decide(rules, cause or cause_of(event), facts, kinds, acted_before=acted_before)


def rule_of(row: Workflow) -> Rule:
    """A stored rule as the engine reads it. What an older version stored and nobody can parse any more never holds."""
    try:
        condition = parse(row.conditions)
    except InvalidConditions:
        logger.exception("workflow_not_readable", extra={"workflow": str(row.pk)})
        condition = Comparison("", "isnull", False)
    actions = tuple(
        PlannedAction(str(entry["action"]), {name: value for name, value in entry.items() if name != "action"})
        for entry in row.actions
    )
    return Rule(
        id=row.pk,
        name=row.name,
        condition=condition,
        actions=actions,
        is_once=row.is_once,
        hours=Hours(row.hours),
        stops_after=row.stop_after,
    )


def retry(*, run: WorkflowRun) -> WorkflowRun:
    """Take the actions of a failed run again, by the rule as it is now: a failure took back all of them.

    The conditions are not asked again: that they held is what the run says. Raises NotFailed or ActedMeanwhile.
    """
    with transaction.atomic():
        event = Event.objects.select_related("organization").get(pk=run.event_id)
        facts = EventFacts(event)
        # The customer before the run, as erasing them does.
        _hold_customer(event)
        locked = WorkflowRun.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=run.pk)
        if locked.status != WorkflowRun.Status.FAILED:
            raise NotFailed
        if _acted_before([locked.workflow], facts):
            raise ActedMeanwhile
        locked.tries += 1
        locked.version = locked.workflow.version
        _perform(locked, rule_of(locked.workflow), event, facts, cause_of(event))
        locked.updated_at = timezone.now()
        locked.save(update_fields=["status", "steps", "tries", "version", "updated_at"])
        _count(locked.workflow, locked)
    return locked


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


def purge_log() -> int:
    """Delete what was kept longer than WORKFLOW_LOG_DAYS, of all organizations; how many rows.

    Two kinds of runs stay, without what they saw and said: by which a rule knows that it acted for a customer once, and
    by which one finds a message that is still to go out.
    """
    limit = timezone.now() - timedelta(days=settings.WORKFLOW_LOG_DAYS)
    old = WorkflowRun.objects.filter(created_at__lt=limit)
    waiting = RunMessage.objects.filter(run=OuterRef("pk"), message__status=Message.Status.QUEUED)
    stays = Q(Exists(waiting)) | Q(workflow__is_once=True, status=WorkflowRun.Status.DONE)
    count = _purge(Evaluation.objects.filter(created_at__lt=limit)) + _purge(old.exclude(stays))
    old.filter(stays).exclude(steps=[], conditions=[]).update(steps=[], conditions=[])
    return count


def _purge(rows: QuerySet[Model]) -> int:
    """In small steps, and as many at once as one hour can bring."""
    count = 0
    for _step in range(MAX_PURGE_STEPS):
        keys = list(rows.values_list("pk", flat=True)[:MAX_PURGED_AT_ONCE])
        rows.filter(pk__in=keys).delete()
        count += len(keys)
        if len(keys) < MAX_PURGED_AT_ONCE:
            break
    return count


# --- One run ----------------------------------------------------------------------------------------------------------


def _run(row: Workflow, decision: Decision, event: Event, facts: EventFacts, cause: Cause) -> None:
    run, is_new = WorkflowRun.objects.get_or_create(
        workflow=row,
        event=event,
        defaults={
            "organization": event.organization,
            "version": row.version,
            "status": WorkflowRun.Status.DONE,
            "conditions": [kept_seen(seen) for seen in decision.seen],
        },
    )
    if not is_new:
        return
    _perform(run, decision.rule, event, facts, cause)
    run.save(update_fields=["status", "steps"])
    _count(row, run)


def _perform(run: WorkflowRun, rule: Rule, event: Event, facts: EventFacts, cause: Cause) -> None:
    """Take the actions, all or nothing, and write the outcome on the run (not saved)."""
    actor = Actor(ActorKind.WORKFLOW, str(rule.id), rule.name, request_id=event.request_id, depth=cause.depth + 1)
    context = Run(run, event, actor, facts)
    steps: list[dict[str, object]] = []
    try:
        with transaction.atomic():
            for context.step, action in enumerate(rule.actions):
                steps.append(_step(context, action))
    except _Stop as stop:
        for step in steps:
            step["status"] = StepStatus.UNDONE if step["status"] == StepStatus.DONE else step["status"]
        steps.append(stop.step)
        # What the actions changed on the records in memory was taken back.
        facts.forget()
        run.status = WorkflowRun.Status.FAILED
    else:
        run.status = WorkflowRun.Status.DONE
    run.steps = steps


class _Stop(Exception):
    """An action failed: the run ends here and takes back what it did."""

    def __init__(self, step: dict[str, object]) -> None:
        super().__init__()
        self.step = step


def _step(context: Run, action: PlannedAction) -> dict[str, object]:
    performer = PERFORMERS.get(action.name)
    if performer is None:
        raise _Stop(_kept_step(action, StepStatus.FAILED, _("Nothing takes this action any more.")))
    try:
        # A savepoint of its own: what is skipped half-way leaves nothing.
        with transaction.atomic():
            result = performer.perform(context, action.params)
    except ActionSkipped as skipped:
        return _kept_step(action, StepStatus.SKIPPED, str(skipped))
    except CustomerMissing as missing:
        return _kept_step(action, StepStatus.SKIPPED, str(missing))
    except (ActionFailed, Refused) as failed:
        raise _Stop(_kept_step(action, StepStatus.FAILED, str(failed))) from failed
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("workflow_action_failed", extra={"workflow": context.actor.id, "action": action.name})
        text = _("This failed for a reason of ours, which stands in the log of the installation.")
        raise _Stop(_kept_step(action, StepStatus.FAILED, text)) from error
    record_type, record_id = record_of(result)
    return _kept_step(action, StepStatus.DONE, result.detail, record_type, record_id)


def _count(row: Workflow, run: WorkflowRun) -> None:
    """Count failures in a row; enough of them pause the rule, and say so in the ledger."""
    if run.status == WorkflowRun.Status.DONE:
        if row.failures:
            Workflow.objects.filter(pk=row.pk).update(failures=0)
            row.failures = 0
        return
    Workflow.objects.filter(pk=row.pk).update(failures=F("failures") + 1)
    row.failures += 1
    now = timezone.now()
    paused = Workflow.objects.filter(pk=row.pk, is_enabled=True, failures__gte=MAX_FAILURES)
    if paused.update(is_enabled=False, paused_at=now, updated_at=now):
        record(events.WORKFLOW_PAUSED, subject=row, payload={"name": row.name, "failures": row.failures})


def _hold_customer(event: Event) -> bool:
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


def _acted_before(rows: Sequence[Workflow], facts: EventFacts) -> frozenset[UUID]:
    """The rules that act once for a customer and did so for this one, whose row is locked."""
    once = [row.pk for row in rows if row.is_once]
    if not once or facts.customer is None:
        return frozenset()
    runs = WorkflowRun.objects.filter(workflow__in=once, event__customer_id=facts.customer.pk)
    return frozenset(runs.filter(status=WorkflowRun.Status.DONE).values_list("workflow_id", flat=True))


def cause_of(event: Event, behind: Mapping[UUID, WorkflowRun] | None = None) -> Cause:
    """The rule that led to the event, and how many did: what becomes of a message or a task that a rule made is that
    rule’s doing too, though the system reports it. `behind`: as `runs_behind` gives it; else it is looked up."""
    if event.actor_kind == ActorKind.WORKFLOW and event.actor_id:
        return Cause(event.depth, UUID(event.actor_id))
    run = (runs_behind([event]) if behind is None else behind).get(event.pk)
    if run is None:
        return Cause(event.depth)
    return Cause(cause_of(run.event).depth + 1, run.workflow_id)


def runs_behind(events: Iterable[Event]) -> dict[UUID, WorkflowRun]:
    """By the event's id the run that made the message or the task of which the system reports something."""
    ids: dict[str, dict[UUID, list[UUID]]] = {}
    for event in events:
        # What comes in, most of all that happens, no rule made.
        is_told = event.actor_kind == ActorKind.SYSTEM and event.type != MESSAGE_RECEIVED
        if is_told and event.subject_type in (_MESSAGE, _TASK):
            ids.setdefault(event.subject_type, {}).setdefault(UUID(event.subject_id), []).append(event.pk)
    runs: dict[UUID, WorkflowRun] = {}
    if of_messages := ids.get(_MESSAGE):
        rows = RunMessage.objects.filter(message__in=of_messages).select_related("run__event")
        runs |= {pk: row.run for row in rows for pk in of_messages[row.message_id]}
    if of_tasks := ids.get(_TASK):
        made = Task.objects.filter(pk__in=of_tasks, origin__startswith=TASK_ORIGIN).values_list("pk", "origin")
        by_task = {pk: UUID(origin.split(":")[1]) for pk, origin in made}
        found = WorkflowRun.objects.select_related("event").in_bulk(by_task.values()) if by_task else {}
        runs |= {pk: found[run] for task, run in by_task.items() if run in found for pk in of_tasks[task]}
    return runs


_MESSAGE: Final = Message._meta.label_lower
_TASK: Final = Task._meta.label_lower


# --- What is kept -----------------------------------------------------------------------------------------------------


def kept_seen(seen: Seen) -> Mapping[str, object]:
    """What a comparison saw, as it is stored and answered."""
    comparison = seen.comparison
    return {
        "field": comparison.field,
        "op": comparison.operator or "eq",
        "value": comparison.value,
        "seen": event_facts.kept(seen.value),
        "holds": seen.holds,
    }


def _kept_decision(row: Workflow, decision: Decision) -> dict[str, object]:
    return {
        "workflow": str(row.pk),
        "name": row.name,
        "version": row.version,
        "reason": decision.reason.value,
        "conditions": [kept_seen(seen) for seen in decision.seen],
    }


def _kept_step(
    action: PlannedAction, status: StepStatus, detail: str, record_type: str = "", record_id: UUID | None = None
) -> dict[str, object]:
    return {
        "action": action.name,
        "status": status.value,
        "detail": detail,
        "record_type": record_type,
        "record_id": None if record_id is None else str(record_id),
    }
