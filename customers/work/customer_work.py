"""What there is to do with a customer, beside a conversation with them."""

from __future__ import annotations

from accounts.models import Member
from customers.models import Customer, Task

MAX_ROWS = 5


def of(customer: Customer, member: Member) -> dict[str, object]:
    """The next open tasks, and what the member may do; one query."""
    tasks: list[Task] = []
    if member.may("tasks.view"):
        rows = Task.objects.visible_to(member).open().filter(customer=customer).select_related("assigned_to")
        tasks = list(rows.order_by("due_at", "-id")[:MAX_ROWS])
    return {"tasks": tasks, "can_edit_tasks": member.may("tasks.edit"), "can_create": member.may("tasks.create")}
