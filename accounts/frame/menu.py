"""The menu of the signed-in frame: apps register their entries in apps.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.functional import Promise

from accounts.models import Member
from core.counting import capped_counts
from core.http import Request
from core.registry import Registry

# A badge says 99+ beyond that.
COUNTED_TO = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """`url_name` takes the organization's slug. `waiting` gives what its badge counts, and `waits` says what they are:
    3 unread. `is_main`: a phone has room for it beside the menu that holds the others."""

    label: str | Promise
    url_name: str
    icon: str
    permission: str
    position: int
    waiting: Callable[[Member], QuerySet[Model]] | None = None
    waits: str = "waiting"
    is_main: bool = False
    # Where the permission alone does not say for whom it is there, and on which other pages it is the open one.
    is_for: Callable[[Member], bool] | None = None
    covers: Callable[[Member, str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as the template shows it."""

    label: str
    url: str
    icon: str
    is_current: bool
    badge: int
    key: str
    waits: str
    is_main: bool


_entries: Registry[Entry] = Registry(
    "Menu",
    name=lambda entry: entry.url_name,
    order=lambda entry: entry.position,
    describe=lambda entry: str(entry.label),
)
register = _entries.register


def entries() -> list[Entry]:
    """All of them, in order."""
    return list(_entries)


def waiting(member: Member) -> dict[str, QuerySet[Model]]:
    """What the badges count, by the entry's key; for a view that counts by itself, in one query with its own."""
    return {
        entry.url_name.split(":")[-1]: entry.waiting(member)
        for entry in _entries
        if entry.waiting is not None and member.may(entry.permission)
    }


def items_for(request: Request) -> list[Item]:
    """What this member may open, in order; the entry whose page is open is marked."""
    member = request.member
    context = [(entry, entry.url_name.split(":")[-1]) for entry in _entries if _is_for(entry, member)]
    # A view that has counted already, in its own one query, says so in `request.badges`; all others are one query.
    counted: dict[str, int] = dict(getattr(request, "badges", {}))
    requested = {key: rows for key, rows in waiting(member).items() if key not in counted}
    counted |= capped_counts(requested, cap=COUNTED_TO) if requested else {}
    slug = member.organization.slug
    items = []
    for entry, key in context:
        url = reverse(entry.url_name, args=[slug])
        # The first page of all is above every other: it is open only where it is the page itself.
        is_current = request.path == url or (request.path.startswith(url) and url != f"/o/{slug}/")
        is_current = is_current or (entry.covers is not None and entry.covers(member, request.path))
        items.append(
            Item(str(entry.label), url, entry.icon, is_current, counted.get(key, 0), key, entry.waits, entry.is_main)
        )
    return items


def _is_for(entry: Entry, member: Member) -> bool:
    return member.may(entry.permission) and (entry.is_for is None or entry.is_for(member))
