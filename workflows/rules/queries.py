"""What members see of rules and of what they did: of customers only those within their reach."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Member
from accounts.permissions import Reach
from activity.models import Event
from customers.models import Customer, Task
from messaging.models import Message
from workflows.models import Evaluation, RunMessage, Workflow, WorkflowRun


def workflows() -> QuerySet[Workflow]:
    """The rules of the open organization, in the order in which they run."""
    return Workflow.objects.filter(kind=Workflow.Kind.RULE).order_by("position", "created_at", "pk")


def visible_events(member: Member) -> QuerySet[Event]:
    """The events about customers that the member sees, and those about none."""
    return Event.objects.filter(organization=member.organization).filter(is_visible(member))


def visible_runs(member: Member) -> QuerySet[WorkflowRun]:
    """The runs about customers that the member sees, newest first, with rule and event."""
    rows = WorkflowRun.objects.filter(is_visible(member, "event__"))
    return rows.select_related("workflow", "event", "wait").order_by("-created_at", "-pk")


def evaluations_of(customer: Customer) -> QuerySet[Evaluation]:
    """What rules decided about the customer's events, newest first."""
    rows = Evaluation.objects.filter(event__customer_id=customer.pk).select_related("event")
    return rows.order_by("-created_at", "-pk")


def outgoing(member: Member) -> QuerySet[RunMessage]:
    """The messages that rules queued and that have not begun to leave, within the member's reach, next first."""
    rows = RunMessage.objects.filter(message__status=Message.Status.QUEUED)
    rows = rows.filter(message__customer__in=Customer.objects.visible_to(member))
    related = rows.select_related("run__workflow", "message__customer", "message__channel", "message__template")
    return related.order_by("message__due_at", "pk")


def is_visible(member: Member, event: str = "") -> Q:
    """`event`: the way to it, with its underscores. Of tasks that are about no customer, titles are for their own
    people: here only who reaches everything sees what became of them."""
    customers = Customer.objects.visible_to(member).filter(pk=OuterRef(f"{event}customer_id"))
    about_nobody = Q(**{f"{event}customer_id__isnull": True})
    if member.reach != Reach.ALL:
        about_nobody &= ~Q(**{f"{event}subject_type": Task._meta.label_lower})
    return about_nobody | Q(Exists(customers))
