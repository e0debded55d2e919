"""Which rule led to an event, and how many did: what cuts the loops of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from activity.actor import ActorKind
from activity.models import Event
from customers.models import Task
from messaging.events import MESSAGE_RECEIVED
from messaging.models import Message
from workflows.models import RunMessage, WorkflowRun
from workflows.rules.performing import TASK_ORIGIN
from workflows.rules.planning import Cause

_MESSAGE: Final = Message._meta.label_lower
_TASK: Final = Task._meta.label_lower


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
