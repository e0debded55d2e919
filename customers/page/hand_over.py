"""What of customers is a person's, for a hand-over: customers with their follow-ups, open deals, open tasks, views."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.hand_over import parts
from accounts.hand_over.parts import Handing, Part
from accounts.models import User
from core.lines import Line
from customers.models import Customer, Deal, Segment, Task
from customers.people import locking
from customers.people.customers import services as customers
from customers.people.segments import services as segments
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks

CUSTOMERS = "customers"
OF_CUSTOMER = ("organization", "customer")


def register() -> None:
    parts.register(
        Part(
            CUSTOMERS, _("Customers"), 10, "customers.edit", "customers.view",
            customers_of, Customer.objects.visible_to, _customer_line, give=give_customer,
        )
    )  # fmt: skip
    parts.register(
        Part(
            "follow_ups", _("Follow-ups"), 15, "customers.edit", "customers.view",
            _follow_ups, Customer.objects.visible_to, _customer_line, goes_with=CUSTOMERS, along=_follow_ups_along,
        )
    )  # fmt: skip
    parts.register(
        Part(
            "deals", _("Open deals"), 30, "deals.edit", "deals.view",
            deals_of, Deal.objects.visible_to, _deal_line, give=give_deal, lock_order=_by_customer,
            relations=OF_CUSTOMER,
        )
    )  # fmt: skip
    parts.register(
        Part(
            "tasks", _("Open tasks"), 40, "tasks.edit", "tasks.view",
            tasks_of, Task.objects.visible_to, _task_line, give=give_task, lock_order=_by_customer,
            relations=OF_CUSTOMER,
        )
    )  # fmt: skip
    parts.register(
        Part(
            "segments", _("Saved views"), 60, "segments.edit", "customers.view",
            segments_of, Segment.objects.visible_to, lambda row: Line("", row.name), give=give_segment,
        )
    )  # fmt: skip


def customers_of(user: User) -> QuerySet[Customer]:
    """Their customers, whatever their stage; a deleted one stays whose it was until it is restored."""
    return Customer.objects.present().owned_by(user.pk)


def deals_of(user: User) -> QuerySet[Deal]:
    """Their open deals: one that is won or lost stays with who did it."""
    return Deal.objects.filter(owner=user, status=Deal.Status.OPEN, customer__deleted_at__isnull=True)


def tasks_of(user: User) -> QuerySet[Task]:
    """What they still have to do, also about nobody; what is done stays with who did it."""
    present = Q(customer__isnull=True) | Q(customer__deleted_at__isnull=True)
    return Task.objects.open().filter(present, assigned_to=user)


def segments_of(user: User) -> QuerySet[Segment]:
    return Segment.objects.filter(owner=user).order_by()


def give_customer(row: Customer, handing: Handing) -> bool:
    """Raises CustomerMissing, or UnknownOwner."""
    current = locking.lock_customer(row)
    if current.assigned_to_id != handing.leaver.pk:
        return False
    return customers.assign(customer=current, owner=handing.successor, actor=handing.actor)


def give_deal(row: Deal, handing: Handing) -> bool:
    """Raises CustomerMissing, or UnknownOwner."""
    locking.lock_customer(row.customer)
    current = deals_of(handing.leaver).select_related("customer__organization").filter(pk=row.pk).first()
    if current is None:
        return False
    deals.update(deal=current, actor=handing.actor, changes={"owner": handing.successor})
    return True


def give_task(row: Task, handing: Handing) -> bool:
    """Raises CustomerMissing, or UnknownOwner."""
    if row.customer is not None:
        locking.lock_customer(row.customer)
    locked = Task.objects.select_for_update(of=("self",)).select_related("customer").filter(pk=row.pk).first()
    if locked is None or locked.assigned_to_id != handing.leaver.pk or not locked.is_open:
        return False
    tasks.update(task=locked, actor=handing.actor, changes={"assigned_to": handing.successor})
    return True


def give_segment(row: Segment, handing: Handing) -> bool:
    return segments.give(segment=row, before=handing.leaver, owner=handing.successor, actor=handing.actor)


def _follow_ups(user: User) -> QuerySet[Customer]:
    return customers_of(user).filter(next_follow_up_at__isnull=False)


def _follow_ups_along(ids: Collection[UUID]) -> QuerySet[Customer]:
    return Customer.objects.filter(pk__in=ids, next_follow_up_at__isnull=False)


def _by_customer(row: Deal | Task) -> str:
    return str(row.customer_id or "")


def _customer_line(row: Customer) -> Line:
    return Line(row.code, row.name, _page("customers:detail", row))


def _deal_line(row: Deal) -> Line:
    return Line(row.customer.code, f"{row.title} · {row.customer.name}", _page("customers:edit_deal", row))


def _task_line(row: Task) -> Line:
    # Without the customer: who is to do it sees the task, and not always whom it is about.
    return Line("", row.title, _page("customers:edit_task", row))


def _page(name: str, row: Customer | Deal | Task) -> str:
    return reverse(name, args=[row.organization.slug, row.pk])
