"""What the signed-in frame shows on every page."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.frame import menu
from core.http import Request


def shell(request: HttpRequest) -> dict[str, object]:
    """Organization, member, the organizations to switch to, and the menu, asked for when a template uses it."""
    member = getattr(request, "member", None)
    if member is None:
        return {}
    return {
        "organization": member.organization,
        "member": member,
        "may_view_people": member.may("users.view"),
        "menu": SimpleLazyObject(lambda: menu.items_for(cast("Request", request))),
        "memberships": getattr(request, "memberships", ()),
    }
