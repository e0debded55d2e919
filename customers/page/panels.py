"""Panels of the customer's page: upper apps register theirs in apps.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Member
from core.registry import Registry
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Panel:
    """`content` returns the template's context, in a constant number of queries."""

    title: str
    template: str
    position: int
    content: Callable[[Customer, Member], dict[str, object]]
    permission: str = "customers.view"


_panels: Registry[Panel] = Registry(
    "Panels of the customer's page",
    name=lambda panel: panel.template,
    order=lambda panel: panel.position,
    describe=lambda panel: str(panel.title),
)
register = _panels.register


def panels_for(customer: Customer, member: Member) -> list[dict[str, object]]:
    """Every panel that the member may see, with its content, in order."""
    return [
        {"title": p.title, "template": p.template, **p.content(customer, member)}
        for p in _panels
        if member.may(p.permission)
    ]
