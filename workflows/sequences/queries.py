"""Sequences of the open organization, and who is where in them, within the member's reach."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Member
from customers.models import Customer
from workflows.models import Workflow, WorkflowRun


def sequences() -> QuerySet[Workflow]:
    """By name; with `inside`, how many customers are in each now."""
    # Not joined and grouped: rows that are grouped can't be locked, and a change by API locks its row.
    runs = WorkflowRun.objects.filter(workflow=OuterRef("pk"), status__in=WorkflowRun.OPEN).order_by()
    counted = runs.values("workflow").annotate(count=Count("pk")).values("count")
    inside = Coalesce(Subquery(counted), 0)
    rows = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE).annotate(inside=inside)
    return rows.order_by("name", "pk")


def visible_runs(member: Member, sequence: Workflow) -> QuerySet[WorkflowRun]:
    """The ways through the sequence of customers that the member sees, newest first, with customer and wait."""
    customers = Customer.objects.visible_to(member).filter(pk=OuterRef("process__customer_id"))
    rows = WorkflowRun.objects.filter(Exists(customers), workflow=sequence, process__isnull=False)
    return rows.select_related("process__customer", "wait", "workflow", "event").order_by("-created_at", "-pk")
