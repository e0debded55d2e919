"""Why rules acted on a customer's events, or did not, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.models import Member
from activity.registry import EVENTS
from customers.models import Customer
from workflows.models import Evaluation, Workflow, WorkflowRun
from workflows.rules import queries
from workflows.rules.planning import Reason
from workflows.rules.words import REASONS, Words

IN_PANEL: Final = 3


@dataclass(frozen=True, slots=True)
class Decided:
    """What a rule decided about an event. `failed`: the conditions that did not hold, each with the value that was
    seen; only where the rule was held up by its conditions. `run`: what it did; none where it did nothing."""

    name: str
    is_match: bool
    reason: str
    workflow: UUID | None = None
    run: UUID | None = None
    failed: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True, slots=True)
class DecidedEvent:
    """An event of the customer, and every rule that looked at it."""

    description: str
    occurred_at: datetime
    rules: Sequence[Decided]


def in_panel(customer: Customer, member: Member) -> dict[str, object]:
    """The newest events with what each rule decided, for the customer's page; one query."""
    rows = queries.evaluations_of(customer)[:IN_PANEL]
    events = [
        DecidedEvent(
            _description(row), row.event.occurred_at,
            [Decided(str(one["name"]), *_reason(one)) for one in row.decisions],
        )
        for row in rows
    ]  # fmt: skip
    return {"events": events}


def of_events(rows: Sequence[Evaluation]) -> list[DecidedEvent]:
    """The same of a page of them, with each condition that did not hold; a constant number of queries."""
    words = Words()
    there = set(Workflow.objects.values_list("pk", flat=True))
    runs = WorkflowRun.objects.filter(event__in=[row.event_id for row in rows])
    run_of = {(workflow, event): pk for pk, workflow, event in runs.values_list("pk", "workflow_id", "event_id")}
    return [
        DecidedEvent(
            _description(row), row.event.occurred_at,
            [_decided(one, row, words, there, run_of) for one in row.decisions],
        )
        for row in rows
    ]  # fmt: skip


def _decided(
    one: Mapping[str, object],
    row: Evaluation,
    words: Words,
    there: set[UUID],
    run_of: Mapping[tuple[UUID, UUID], UUID],
) -> Decided:
    pk = UUID(str(one["workflow"]))
    is_match, reason = _reason(one)
    failed: list[Mapping[str, object]] = []
    if one["reason"] == Reason.CONDITIONS:
        fields = words.fields(row.event.type)
        seen = [words.seen(entry, fields) for entry in _entries(one)]
        # Under a “not” all may hold, and be the reason for that.
        failed = [entry for entry in seen if not entry["holds"]] or list(seen)
    return Decided(
        str(one["name"]), is_match, reason, pk if pk in there else None, run_of.get((pk, row.event_id)), failed
    )


def _entries(one: Mapping[str, object]) -> list[Mapping[str, object]]:
    data = one.get("conditions")
    return data if isinstance(data, list) else []


def _reason(one: Mapping[str, object]) -> tuple[bool, str]:
    return one["reason"] == Reason.MATCHED, str(REASONS.get(str(one["reason"]), one["reason"]))


def _description(row: Evaluation) -> str:
    declared = EVENTS.get(row.event.type)
    return str(declared.description) if declared is not None else row.event.type
