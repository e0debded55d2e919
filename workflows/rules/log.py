"""What is kept of decisions and runs: how it is written down, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from customers.models import Process
from messaging.models import Message
from workflows.models import Evaluation, RunMessage, WorkflowRun
from workflows.rules import facts
from workflows.rules.conditions import Seen
from workflows.rules.performing import StepStatus
from workflows.rules.planning import Decision

MAX_PURGED_AT_ONCE: Final = 2000
MAX_PURGE_STEPS: Final = 50


def kept_seen(seen: Seen) -> Mapping[str, object]:
    """What a comparison saw, as it is stored and answered."""
    comparison = seen.comparison
    return {
        "field": comparison.field,
        "op": comparison.operator or "eq",
        "value": comparison.value,
        "seen": facts.kept(seen.value),
        "holds": seen.holds,
    }


def kept_decision(decision: Decision) -> dict[str, object]:
    """What a rule decided, with the comparisons that kept it from acting; of one that acted the run has them all."""
    return {
        "workflow": str(decision.rule.id),
        "name": decision.rule.name,
        "version": decision.rule.version,
        "reason": decision.reason.value,
        "conditions": [kept_seen(seen) for seen in decision.reasons],
    }


def kept_step(
    name: str,
    status: StepStatus,
    detail: str,
    *,
    path: str = "",
    record_type: str = "",
    record_id: UUID | None = None,
) -> dict[str, object]:
    """What became of a step."""
    return {
        "action": name,
        "path": path,
        "status": status.value,
        "detail": detail,
        "record_type": record_type,
        "record_id": None if record_id is None else str(record_id),
    }


def purge_log() -> int:
    """Delete what was kept longer than WORKFLOW_LOG_DAYS, of all organizations; how many rows.

    Four kinds of runs stay: those that wait, and, without what they saw and said, by which a rule knows that it acted
    for a customer once, by which one finds a message that is still to go out, and by which a customer's way through a
    sequence goes on that failed and was not ended.
    """
    limit = timezone.now() - timedelta(days=settings.WORKFLOW_LOG_DAYS)
    old = WorkflowRun.objects.filter(created_at__lt=limit).exclude(status__in=WorkflowRun.OPEN)
    waiting = RunMessage.objects.filter(run=OuterRef("pk"), message__status=Message.Status.QUEUED)
    stays = Q(Exists(waiting)) | Q(workflow__is_once=True, status=WorkflowRun.Status.DONE)
    stays |= Q(status=WorkflowRun.Status.FAILED, process__status__in=Process.OPEN)
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
