"""Customers put into a sequence, moved in it, paused and taken out; sequences made and changed."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final, TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.members.authority import authority_of
from accounts.models import Organization
from activity.actor import SYSTEM, Actor, ActorKind
from activity.ledger import record
from activity.models import Event
from core.refused import Invalid, Refused
from customers.models import Customer, Process
from customers.people import locking
from customers.work.processes import services as processes
from workflows import events
from workflows.models import Workflow, WorkflowRun
from workflows.rules import runs, waits
from workflows.rules import services as workflows
from workflows.rules.causes import cause_of
from workflows.rules.conditions import InvalidConditions
from workflows.rules.enabled import rule_of
from workflows.rules.facts import EventFacts
from workflows.rules.reading import InvalidWorkflow
from workflows.rules.services import WaitingRuns
from workflows.rules.steps import CancelOn
from workflows.sequences import steps as sequence_steps

# Of one call; more are put in by a job.
MAX_AT_ONCE: Final = 500


# Those that somebody can end or have go on: what waits, and what failed and has not come to its end either.
LASTING: Final = Q(status__in=WorkflowRun.OPEN, wait__isnull=False) | Q(status=WorkflowRun.Status.FAILED)


class SequenceValues(TypedDict, total=False):
    """What can be set."""

    name: str
    steps: list[object]
    stop_on: list[str]
    stop_on_reply: bool
    business_hours_only: bool
    is_enabled: bool


class SequenceOff(Refused):
    """The sequence is switched off."""

    status, code = 409, "switched_off"

    def __init__(self) -> None:
        super().__init__(_("The sequence is switched off. Switch it on first."))


class NoSuchStep(Invalid):
    """The sequence does not have the step."""

    def __init__(self, count: int) -> None:
        super().__init__("step", _("A step from 1 to %(count)s.") % {"count": count})


def create(*, organization: Organization, actor: Actor, values: SequenceValues) -> Workflow:
    """A new sequence. Raises InvalidWorkflow with the place in it, and as rules do."""
    given: workflows.Values = {
        "name": "", "actions": [], "cancel_on": [CancelOn.REPLY.value], "is_enabled": False,
        "trigger_event": events.SEQUENCE_ENROLLED, **_as_rule(values, []),
    }  # fmt: skip
    with _in_own_places():
        return workflows.create(organization=organization, actor=actor, values=given, kind=Workflow.Kind.SEQUENCE)


def update(
    *, sequence: Workflow, actor: Actor, changes: SequenceValues, waiting: WaitingRuns = WaitingRuns.FINISH
) -> Workflow:
    """Set what the changes name; `waiting` says what becomes of those inside. Raises as `create`."""
    with _in_own_places():
        given = _as_rule(changes, sequence.cancel_on)
        return workflows.update(workflow=sequence, actor=actor, changes=given, waiting=waiting)


@transaction.atomic
def delete(*, sequence: Workflow, actor: Actor) -> None:
    """Delete a sequence with its log; those inside are taken out. Raises WorkflowMissing."""
    waits.end_all(workflow=sequence, why=_("The sequence was deleted."))
    _end_failed(sequence)
    workflows.delete(workflow=sequence, actor=actor)


@transaction.atomic
def enrol(*, sequence: Workflow, customer: Customer, actor: Actor, channel: str = "") -> Process:
    """Put a customer into a sequence; what has no delay is done at once. `channel`: the kind that its messages go by,
    else as a person would write. Raises SequenceOff, AnotherOpen for one who is in it, CustomerMissing, and
    NotPermitted where the actor may not write to customers."""
    if not sequence.is_enabled:
        raise SequenceOff
    if actor.kind != ActorKind.WORKFLOW:
        authority_of(actor, sequence.organization).require("conversations.edit")
    locked = locking.lock_customer(customer)
    process = processes.begin_sequence(
        customer=locked, actor=actor, sequence=sequence.pk, name=sequence.name, channel=channel
    )
    event = record(
        events.SEQUENCE_ENROLLED, subject=process, actor=actor,
        payload={"name": sequence.name, "sequence": str(sequence.pk)},
    )  # fmt: skip
    run = WorkflowRun.objects.create(
        organization=sequence.organization, workflow=sequence, event=event, version=sequence.version,
        process=process, status=WorkflowRun.Status.WAITING,
    )  # fmt: skip
    rule = rule_of(sequence)
    facts = EventFacts(event)
    runs.take_steps(run, rule, event, facts, cause_of(event), path=rule.program.first, due_at=event.occurred_at)
    run.save(update_fields=["status", "steps", "path"])
    runs.show(run)
    return Process.objects.select_related("organization", "customer").get(pk=process.pk)


def enrol_many(
    *, sequence: Workflow, customers: Iterable[Customer], actor: Actor, channel: str = ""
) -> tuple[int, list[tuple[UUID, str]]]:
    """Put many in; how many, and of the others why not. Raises SequenceOff."""
    count, refused = 0, []
    for customer in customers:
        try:
            enrol(sequence=sequence, customer=customer, actor=actor, channel=channel)
            count += 1
        except SequenceOff:
            raise
        except Refused as why:
            refused.append((customer.pk, str(why)))
    return count, refused


@transaction.atomic
def move(*, run: WorkflowRun, step: int, actor: Actor) -> WorkflowRun:
    """Have a customer wait for another step (from 1), and nothing between be done. Raises NoSuchStep, NotWaiting."""
    sequence = run.workflow
    count = len(sequence_steps.to_steps(waits.content_of(run)))
    if not 1 <= step <= count:
        raise NoSuchStep(count)
    _lock(run)
    text = _("%(name)s moved it to step %(step)s.") % {"name": actor.label or _("Somebody"), "step": step}
    moved = waits.move(run=run, path=sequence_steps.path_of_step(step - 1), text=text)
    record(events.RUN_MOVED, subject=sequence, actor=actor, payload={"name": sequence.name, "step": step},
           customer_id=run.process.customer_id if run.process else None)  # fmt: skip
    return moved


@transaction.atomic
def skip(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """Leave out the step for which a customer waits; behind the last one the way ends. Raises NotWaiting."""
    _lock(run)
    wait = waits.of(run)
    following = sequence_steps.step_at(wait.path) + 2
    if following <= len(sequence_steps.to_steps(waits.content_of(run))):
        return move(run=run, step=following, actor=actor)
    why = _("%(name)s left out the last step.") % {"name": actor.label or _("Somebody")}
    return waits.end(run=run, why=why, status=WorkflowRun.Status.DONE)


@transaction.atomic
def stop(*, sequence: UUID, customer: Customer, why: str) -> bool:
    """Take a customer out of a sequence; False for one who is not in it."""
    locking.lock_customer(customer)
    rows = WorkflowRun.objects.filter(
        LASTING, workflow=sequence, process__customer=customer, process__status__in=Process.OPEN
    )
    # One at most, but two where a merge brought two together; of these one is open.
    run = rows.first()
    if run is not None:
        _end(run, why)
    return run is not None


def begin_for_process(*, sequence: UUID, customer: Customer, actor: Actor, channel: str) -> Process:
    """What `POST /processes` with a sequence does (`customers.work.processes.sequences.Begin`)."""
    row = Workflow.objects.select_related("organization").filter(pk=sequence, kind=Workflow.Kind.SEQUENCE).first()
    if row is None:
        raise Invalid("sequence", _("There is no such sequence."))
    return enrol(sequence=row, customer=customer, actor=actor, channel=channel)


def follow_process(happened: Sequence[Event]) -> None:
    """What somebody did to the process of a way through a sequence counts for the way itself; in their transaction."""
    for event in happened:
        changes = event.payload.get("changes")
        if not isinstance(changes, dict) or event.actor_kind == ActorKind.WORKFLOW:
            continue
        rows = WorkflowRun.objects.filter(LASTING, process=UUID(event.subject_id))
        run = rows.select_related("process").first()
        if run is not None and run.process is not None:
            _follow(run, run.process, changes, event.actor_label)


def end_merged(happened: Sequence[Event]) -> None:
    """Of two who became one and were in the same sequence one way goes on, as their processes say; the other one ends
    with the merge, also where it rests."""
    survivors = {event.customer_id for event in happened if event.customer_id is not None}
    rows = WorkflowRun.objects.filter(LASTING, process__customer__in=survivors, process__kind=Process.Kind.SEQUENCE)
    for run in rows.exclude(process__status__in=Process.OPEN).select_related("process"):
        _end(run, _("They became one with somebody who is in it as well."))


def after_unmerge(loser: Customer, survivor: Customer) -> None:
    """Show where the ways of two stand that are two again: what ended meanwhile stays ended."""
    rows = Process.objects.select_related("organization", "customer", "last_action", "run")
    for process in rows.filter(customer=loser, kind=Process.Kind.SEQUENCE, status__in=Process.OPEN):
        run: WorkflowRun | None = getattr(process, "run", None)
        if run is not None:
            runs.show(run)
        else:
            # It ended so long ago that its log is gone.
            processes.follow(process=process, status=Process.Status.CANCELLED, next_at=None, actor=SYSTEM)


def _follow(run: WorkflowRun, process: Process, changes: dict[str, object], name: str) -> None:
    if process.status in (Process.Status.CANCELLED, Process.Status.COMPLETED):
        _end(run, _("%(name)s ended it.") % {"name": name or _("Somebody")})
        return
    if run.status == WorkflowRun.Status.FAILED:
        if process.status == Process.Status.ACTIVE:
            runs.retry(run=run)
        return
    if "next_follow_up_at" in changes and process.next_follow_up_at is not None:
        waits.put_off(run=run, until=process.next_follow_up_at)
    if process.status == Process.Status.PAUSED and run.status == WorkflowRun.Status.WAITING:
        waits.pause(run=run)
    elif process.status == Process.Status.ACTIVE and run.status in (
        WorkflowRun.Status.PAUSED, WorkflowRun.Status.HELD
    ):  # fmt: skip
        waits.resume(run=run)


def _end(run: WorkflowRun, why: str) -> None:
    """Called with the customer held."""
    if run.status != WorkflowRun.Status.FAILED:
        waits.end(run=run, why=why)
        return
    # It waits for nothing; the log goes on saying what went wrong.
    WorkflowRun.objects.filter(pk=run.pk).update(status=WorkflowRun.Status.CANCELLED, updated_at=timezone.now())
    run.status = WorkflowRun.Status.CANCELLED
    runs.show(run)


def _end_failed(sequence: Workflow) -> None:
    """What failed and was left: its process would stay open with nothing behind it."""
    rows = WorkflowRun.objects.filter(workflow=sequence, status=WorkflowRun.Status.FAILED)
    for run in rows.filter(process__status__in=Process.OPEN).select_related("process__customer"):
        _lock(run)
        _end(run, "")


def _lock(run: WorkflowRun) -> None:
    if run.process is not None:
        locking.lock_customer(run.process.customer)


def _as_rule(values: SequenceValues, cancel_on: list[str]) -> workflows.Values:
    given: workflows.Values = {}
    if "name" in values:
        given["name"] = values["name"]
    if "is_enabled" in values:
        given["is_enabled"] = values["is_enabled"]
    if "steps" in values:
        given["actions"] = sequence_steps.to_actions(values["steps"])
    if "business_hours_only" in values:
        given["hours"] = Workflow.Hours.OPEN.value if values["business_hours_only"] else Workflow.Hours.ANY.value
    if "stop_on" in values:
        given["cancel_on"] = values["stop_on"]
    if "stop_on_reply" in values:
        others = [cause for cause in given.get("cancel_on", cancel_on) if cause != CancelOn.REPLY]
        given["cancel_on"] = [CancelOn.REPLY.value, *others] if values["stop_on_reply"] else others
    return given


@contextmanager
def _in_own_places() -> Generator[None]:
    """Name the places of a refusal as a sequence has them."""
    try:
        yield
    except (InvalidWorkflow, InvalidConditions) as refused:
        refused.field = "stop_on" if refused.field == "cancel_on" else sequence_steps.place_of(refused.field)
        raise
