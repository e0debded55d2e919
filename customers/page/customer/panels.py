"""The customers app's own panels of the customer's page."""

from __future__ import annotations

from accounts.models import Member
from customers.models import Contact, Customer, CustomerFile, Deal, Task
from customers.page import panels
from customers.people.consent import services as consent
from customers.pipeline.outcomes.panel import MAX_ROWS, outcomes


def register() -> None:
    for title, template, position, content, permission in (
        ("Tasks", "customers/page/panels/tasks.html", 10, tasks, "tasks.view"),
        ("Contacts", "customers/page/panels/contacts.html", 30, contacts, "customers.view"),
        ("Deals", "customers/page/panels/deals.html", 40, deals, "deals.view"),
        ("Outcomes", "customers/page/panels/outcomes.html", 45, outcomes, "customers.view"),
        ("Files", "customers/page/panels/files.html", 50, files, "customers.view"),
        ("Consent", "customers/page/panels/consent.html", 60, consents, "customers.view"),
    ):
        panels.register(panels.Panel(title, template, position, content, permission))


def tasks(customer: Customer, member: Member) -> dict[str, object]:
    """Open tasks, the first due on top; done ones are in the timeline."""
    rows = Task.objects.visible_to(member).open().filter(customer=customer).select_related("assigned_to")
    return {
        "tasks": list(rows.order_by("due_at", "-id")[:MAX_ROWS]),
        "can_edit": member.may("tasks.edit"),
        "can_create": member.may("tasks.create"),
    }


def contacts(customer: Customer, member: Member) -> dict[str, object]:
    rows = Contact.objects.visible_to(member).filter(customer=customer)
    return {
        "contacts": list(rows[:MAX_ROWS]),
        "can_edit": member.may("customers.edit"),
        "can_create": member.may("customers.create"),
    }


def deals(customer: Customer, member: Member) -> dict[str, object]:
    rows = Deal.objects.visible_to(member).filter(customer=customer).select_related("owner")
    return {
        "deals": list(rows.order_by("-created_at")[:MAX_ROWS]),
        "can_edit": member.may("deals.edit"),
        "can_create": member.may("deals.create"),
    }


def files(customer: Customer, member: Member) -> dict[str, object]:
    rows = CustomerFile.objects.visible_to(member).filter(customer=customer)
    return {"files": list(rows.order_by("-created_at")[:MAX_ROWS]), "can_edit": member.may("customers.edit")}


def consents(customer: Customer, member: Member) -> dict[str, object]:
    """The consents in force; all rows of the ledger are in the history."""
    return {"consents": consent.in_force(customer=customer), "can_edit": member.may("customers.edit")}
