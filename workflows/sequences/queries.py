"""Sequences of the open organization, and who is where in them, within the member's reach."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import Member
from customers.models import Customer
from workflows.models import Workflow, WorkflowRun


def sequences() -> QuerySet[Workflow]:
    """By name; with `inside`, how many customers are in each now."""
    inside = Count("runs", filter=Q(runs__status__in=WorkflowRun.OPEN))
    rows = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE).annotate(inside=inside)
    return rows.order_by("name", "pk")


def visible_runs(member: Member, sequence: Workflow) -> QuerySet[WorkflowRun]:
    """The ways through the sequence of customers that the member sees, newest first, with customer and wait."""
    customers = Customer.objects.visible_to(member).filter(pk=OuterRef("process__customer_id"))
    rows = WorkflowRun.objects.filter(Exists(customers), workflow=sequence, process__isnull=False)
    return rows.select_related("process__customer", "wait", "workflow", "event").order_by("-created_at", "-pk")
