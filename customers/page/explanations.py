"""Customers, deals and tasks, for the explanation of who sees them."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.explanations import subjects
from accounts.explanations.subjects import Reasons, Subject
from accounts.models import Member
from core.lines import Line
from customers.models import Customer, Deal, Task, reasons


def register() -> None:
    subjects.register(
        Subject(
            "customer", "customers", _("Customers"), Customer.objects.visible_to, reasons.of_customer, _customer,
            relations=("organization", "assigned_to"),
        )
    )  # fmt: skip
    subjects.register(
        Subject(
            "deal", "deals", _("Deals"), Deal.objects.visible_to, _of_deal, _deal,
            relations=("organization", "customer__assigned_to"),
        )
    )  # fmt: skip
    subjects.register(
        Subject(
            "task", "tasks", _("Tasks"), Task.objects.visible_to, reasons.of_task, _task,
            relations=("organization", "assigned_to", "customer__assigned_to"),
        )
    )  # fmt: skip


def _of_deal(row: Deal, members: Sequence[Member]) -> Reasons:
    return reasons.of_customer(row.customer, members)


def _customer(row: Customer) -> Line:
    return Line(row.code, row.name, reverse("customers:detail", args=[row.organization.slug, row.pk]))


def _deal(row: Deal) -> Line:
    return Line(row.customer.code, row.title, reverse("customers:edit_deal", args=[row.organization.slug, row.pk]))


def _task(row: Task) -> Line:
    return Line("", row.title, reverse("customers:edit_task", args=[row.organization.slug, row.pk]))
