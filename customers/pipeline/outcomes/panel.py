"""The panel of outcomes on the customer's page."""

from __future__ import annotations

from accounts.models import Member
from customers.models import Customer, Outcome, OutcomeType, Process

MAX_ROWS = 50


def outcomes(customer: Customer, member: Member) -> dict[str, object]:
    """The outcomes, newest first, with the types to record another, and the open follow-up process."""
    rows = Outcome.objects.visible_to(member).filter(customer=customer).select_related("type")
    can_edit = member.may("customers.edit")
    return {
        "outcomes": list(rows.order_by("-occurred_at", "-id")[:MAX_ROWS]),
        "types": list(OutcomeType.objects.all()) if can_edit else [],
        "process": Process.objects.open_follow_up(customer),
        "can_edit": can_edit,
    }
