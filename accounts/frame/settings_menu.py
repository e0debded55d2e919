"""The pages of Settings: apps register theirs in apps.py, and the index lists those that a member may open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Member
from core.registry import Registry


class Group(Enum):
    """A heading of the index, in this order."""

    ORGANIZATION = _("Organization")
    ACCESS = _("People and access")
    CUSTOMERS = _("Customers and sales")
    SAFETY = _("Health and records")


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """`url_name` takes the organization's slug; `description` says in a sentence what is set there."""

    label: str | Promise
    url_name: str
    icon: str
    permission: str
    group: Group
    position: int
    description: str | Promise


@dataclass(frozen=True, slots=True)
class Link:
    """A page as the index shows it."""

    label: str
    url: str
    icon: str
    description: str


_pages: Registry[SettingsPage] = Registry(
    "Settings",
    name=lambda page: page.url_name,
    order=lambda page: page.position,
    describe=lambda page: str(page.label),
)
register = _pages.register


def pages_for(member: Member) -> Iterable[SettingsPage]:
    """What the member may open, in order."""
    return [page for page in _pages if member.may(page.permission)]


def has_pages(member: Member) -> bool:
    """Whether there is anything in Settings for the member."""
    return any(member.may(page.permission) for page in _pages)


def groups_for(member: Member) -> list[tuple[str, list[Link]]]:
    """The index: each heading with its links; none without any."""
    slug = member.organization.slug
    groups: dict[Group, list[Link]] = {group: [] for group in Group}
    for page in pages_for(member):
        link = Link(str(page.label), reverse(page.url_name, args=[slug]), page.icon, str(page.description))
        groups[page.group].append(link)
    return [(str(group.value), links) for group, links in groups.items() if links]


def is_in_settings(member: Member, path: str) -> bool:
    """Whether the path is the index, or a page of Settings or below one."""
    slug = member.organization.slug
    index = reverse("organization:settings", args=[slug])
    return path.startswith(index) or any(path.startswith(reverse(page.url_name, args=[slug])) for page in _pages)
