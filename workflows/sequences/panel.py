"""The panel of the customer's page: in which sequences they are, and putting them into another."""

from __future__ import annotations

from accounts.models import Member
from customers.models import Customer, Process
from workflows.models import Workflow, WorkflowRun
from workflows.rules.waits import contents_of
from workflows.sequences.steps import step_at, to_steps


def sequences_of(customer: Customer, member: Member) -> dict[str, object]:
    """The ways that are open, and the sequences that are on; two queries, and one where some go by an older
    version."""
    # By the process: of two ways that a merge brought together one is open, and what failed is not over.
    runs = WorkflowRun.objects.filter(process__customer=customer, process__status__in=Process.OPEN)
    rows = list(runs.select_related("workflow", "wait").order_by("created_at"))
    contents = contents_of(rows)
    inside = {run.workflow_id for run in rows}
    on = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE, is_enabled=True).order_by("name")
    return {
        "rows": [{"run": run, "step": _step(run), "of": len(to_steps(contents[run.pk]))} for run in rows],
        "sequences": [row for row in on if row.pk not in inside],
        "can_enrol": member.may("conversations.edit"),
    }


def _step(run: WorkflowRun) -> int | None:
    wait = getattr(run, "wait", None)
    return step_at(wait.path) + 1 if wait is not None else None
