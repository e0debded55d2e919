"""What rules keep of a person: what they decided and did about the customer's events."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from activity.actor import Actor
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import Part, PartData
from customers.models import Customer
from customers.people.files.downloads import StoredFile
from workflows.models import Evaluation, WorkflowRun


def register() -> None:
    personal_data.register(Part("workflow_runs", str(_("What rules did")), 125, _runs, _erase))
    personal_data.register(Part("workflow_decisions", str(_("What rules decided")), 126, _decisions, _erase_decisions))


def _runs(customer: Customer) -> PartData:
    rows = WorkflowRun.objects.filter(event__customer_id=customer.pk).order_by("created_at", "pk")
    return PartData(list(rows.values("created_at", "workflow__name", "event__type", "status", "conditions", "steps")))


def _decisions(customer: Customer) -> PartData:
    rows = Evaluation.objects.filter(event__customer_id=customer.pk).order_by("created_at", "pk")
    return PartData(list(rows.values("created_at", "event__type", "decisions")))


def _erase(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """That a rule ran stays, since runs are counted; what it saw and said of the person does not."""
    WorkflowRun.objects.filter(event__customer_id=customer.pk).update(conditions=[], steps=[])
    return ()


def _erase_decisions(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Evaluation.objects.filter(event__customer_id=customer.pk).delete()
    return ()
