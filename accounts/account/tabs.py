"""The tabs of one's own account: apps register theirs in apps.py or subscribers.py."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise

from accounts.models import Member
from accounts.permissions import MEMBERSHIP
from core.http import Request
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the account; `url_name` takes the organization's slug. Who lacks the permission does not see it."""

    label: str | Promise
    url_name: str
    position: int
    permission: str = MEMBERSHIP


_tabs: Registry[Tab] = Registry(
    "Tabs of one’s own account",
    name=lambda tab: tab.url_name,
    order=lambda tab: tab.position,
    describe=lambda tab: str(tab.label),
)
register = _tabs.register


def tabs_for(member: Member, current: str) -> list[dict[str, object]]:
    """Label, address and whether it is the open one, of each that the member may open."""
    return [
        {
            "label": tab.label,
            "url": reverse(tab.url_name, args=[member.organization.slug]),
            "is_current": tab.url_name == current,
        }
        for tab in _tabs
        if member.may(tab.permission)
    ]


def account_context(request: Request, current: str) -> dict[str, object]:
    """What every page of the account has: its tabs."""
    return {"tabs": tabs_for(request.member, current)}
