"""The palette's sources of the customers app: people, deals, tasks and segments, each in one query and within reach."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from accounts.frame import palette
from accounts.frame.palette import SHOWN, Action, Asked, Result, Source
from accounts.models import Member
from core.phones import display
from core.templatetags.ui import short_time
from customers.models import Customer, Deal, Segment, Task
from customers.models.querysets import within_reach
from customers.people.windowed_search import newest_matches


def register() -> None:
    for source in (
        Source("customers", "Customers", "customers.view", find_customers, 10),
        Source("deals", "Deals", "deals.view", find_deals, 30),
        Source("tasks", "Tasks", "tasks.view", find_tasks, 40),
        Source("segments", "Segments", "customers.view", find_segments, 50),
    ):
        palette.register(source)
    for action in (
        Action("New customer", "user-plus", "customers.create", "customers:new", words="add lead create"),
        Action("New deal", "handshake", "deals.create", "customers:choose_for_deal", words="add money offer"),
        Action("New task", "square-check", "tasks.create", "customers:add_task", words="add todo remind create"),
        Action("My customers", "user-round", "customers.view", "customers:list", words="own", query="?assigned_to=me"),
        Action(
            "Customers without an owner", "user-round-x", "customers.view", "customers:list",
            words="nobody unassigned", query="?assigned_to=none",
        ),
        Action("Outcomes", "trophy", "customers.view", "customers:outcomes", words="results revenue deposits list"),
        Action("Import customers", "upload", "customers.import", "customers:imports", words="csv excel xlsx upload"),
    ):  # fmt: skip
        palette.register_action(action)


def find_customers(member: Member, query: Asked) -> list[Result]:
    """Customers by name, phone, e-mail, company or code; without a text those opened last, or with latest activity."""
    rows = Customer.objects.visible_to(member).select_related("stage").only("name", "code", "phone", "stage__name")
    if query.text:
        return [_customer(member, row) for row in newest_matches(rows.matching(query.text), size=SHOWN)]
    if query.recent:
        known = {row.pk: row for row in rows.filter(pk__in=query.recent)}
        return [_customer(member, known[key]) for key in query.recent if key in known][:SHOWN]
    return [_customer(member, row) for row in rows.order_by("-last_activity_at", "-id")[:SHOWN]]


def find_deals(member: Member, query: Asked) -> list[Result]:
    """Deals by title, newest first; none without a text."""
    if not query.text:
        return []
    rows = Deal.objects.visible_to(member).filter(title__icontains=query.text).select_related("customer")
    return [
        Result(
            deal.title, _page(member, deal.customer), f"{deal.customer.name} · {deal.get_status_display()}", "handshake"
        )
        for deal in rows.order_by("-created_at", "-id")[:SHOWN]
    ]


def find_tasks(member: Member, query: Asked) -> list[Result]:
    """Open tasks with a customer within reach, by title; without a text one's own, the next due first."""
    # One's own task may be with a customer of somebody else: they have no page for this member, and no name.
    rows = Task.objects.filter(within_reach(member)).open().select_related("customer")
    if query.text:
        rows = rows.filter(title__icontains=query.text).order_by("-created_at", "-id")
    else:
        rows = rows.filter(assigned_to=member.user_id, due_at__isnull=False).order_by("due_at", "id")
    return [_task(member, task) for task in rows[:SHOWN]]


def find_segments(member: Member, query: Asked) -> list[Result]:
    """The member's own and shared segments, by name."""
    rows = Segment.objects.visible_to(member).filter(name__icontains=query.text)
    url = reverse("customers:list", args=[member.organization.slug])
    return [
        Result(segment.name, f"{url}?segment={segment.pk}", "Shared" if segment.is_shared else "", "bookmark")
        for segment in rows[:SHOWN]
    ]


def _customer(member: Member, customer: Customer) -> Result:
    parts = [customer.code, display(customer.phone) if customer.phone else "", customer.stage.name]
    return Result(customer.name, _page(member, customer), " · ".join(part for part in parts if part), "user-round")


def _task(member: Member, task: Task) -> Result:
    customer = task.customer
    due = f" · due {short_time(task.due_at, timezone.now())}" if task.due_at else ""
    page = _page(member, customer) or reverse("customers:tasks", args=[member.organization.slug])
    return Result(task.title, page, f"{customer.name if customer else ''}{due}", "square-check")


def _page(member: Member, customer: Customer | None) -> str:
    if customer is None:
        return ""
    return reverse("customers:detail", args=[member.organization.slug, customer.pk])
