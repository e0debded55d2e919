"""What rules keep of a person: what they decided and did about the customer's events."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from activity.actor import Actor
from activity.models import Event
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import Part, PartData
from customers.models import Customer
from customers.people.files.downloads import StoredFile
from workflows.models import Evaluation, RehearsedEvent, RunWait, WorkflowRun


def register() -> None:
    personal_data.register(Part("workflow_runs", str(_("What rules did")), 125, _runs, _erase))
    personal_data.register(Part("workflow_decisions", str(_("What rules decided")), 126, _decisions, _erase_decisions))
    label = str(_("What rules would have done"))
    personal_data.register(Part("rehearsed_events", label, 127, _rehearsed, _erase_rehearsed))


def _runs(customer: Customer) -> PartData:
    rows = WorkflowRun.objects.filter(event__customer_id=customer.pk).order_by("created_at", "pk")
    return PartData(list(rows.values("created_at", "workflow__name", "event__type", "status", "conditions", "steps")))


def _decisions(customer: Customer) -> PartData:
    rows = Evaluation.objects.filter(event__customer_id=customer.pk).order_by("created_at", "pk")
    return PartData(list(rows.values("created_at", "event__type", "decisions")))


def _rehearsed(customer: Customer) -> PartData:
    rows = RehearsedEvent.objects.filter(event__customer_id=customer.pk).order_by("occurred_at", "pk")
    names = ("occurred_at", "rehearsal__workflow__name", "event__type", "outcome", "reason", "conditions", "steps")
    return PartData(list(rows.values(*names)))


def _erase(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """That a rule ran stays, since runs are counted; what it saw and said of the person does not. What waits ends."""
    waiting = RunWait.objects.filter(customer=customer)
    WorkflowRun.objects.filter(wait__in=waiting).update(status=WorkflowRun.Status.CANCELLED)
    waiting.delete()
    WorkflowRun.objects.filter(event__customer_id=customer.pk).update(conditions=[], steps=[])
    return ()


def _erase_decisions(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Evaluation.objects.filter(event__customer_id=customer.pk).delete()
    return ()


def _erase_rehearsed(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    RehearsedEvent.objects.filter(event__customer_id=customer.pk).delete()
    return ()


def forget_removed(event: Event) -> None:
    """After the undoing of an import: of customers who are not there any more nothing that rules saw is left."""
    is_there = Customer.objects.filter(pk=OuterRef("event__customer_id"))
    about = Q(organization=event.organization, event__customer_id__isnull=False)
    Evaluation.objects.filter(about).exclude(Exists(is_there)).delete()
    RehearsedEvent.objects.filter(about).exclude(Exists(is_there)).delete()
    WorkflowRun.objects.filter(about).exclude(Exists(is_there)).update(conditions=[], steps=[])
