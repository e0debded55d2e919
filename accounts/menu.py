"""The menu of the signed-in frame: apps register their entries in apps.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import Member
from core.http import Request


@dataclass(frozen=True, slots=True)
class Entry:
    """`url_name` takes the organization's slug; `badge` counts what waits, in one query at most."""

    label: str
    url_name: str
    icon: str
    permission: str
    position: int
    badge: Callable[[Member], int] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as the template shows it."""

    label: str
    url: str
    icon: str
    is_current: bool
    badge: int
    key: str


_entries: list[Entry] = []


def register(entry: Entry) -> None:
    _entries.append(entry)
    _entries.sort(key=lambda e: e.position)


def entries() -> list[Entry]:
    """All of them, in order."""
    return list(_entries)


def items_for(request: Request) -> list[Item]:
    """What this member may open, in order; the entry whose page is open is marked."""
    member: Member = request.member
    counted: dict[str, int] = getattr(request, "badges", {})
    items = []
    for entry in _entries:
        if not member.may(entry.permission):
            continue
        url = reverse(entry.url_name, args=[member.organization.slug])
        key = entry.url_name.split(":")[-1]
        # A view that has counted already, in its own one query, says so in `request.badges`.
        badge = counted[key] if key in counted else entry.badge(member) if entry.badge else 0
        items.append(Item(entry.label, url, entry.icon, request.path.startswith(url), badge, key))
    return items
