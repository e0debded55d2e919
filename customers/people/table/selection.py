"""What upper apps offer in the bar under the list, for the customers that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise

from accounts.models import Member
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Menu:
    """A button with a menu. `action`: of `customers.data.bulk.actions`, done with the chosen value. `choices`: values
    with their labels, in one query; without any there is no button."""

    action: str
    label: str | Promise
    icon: str
    permission: str
    choices: Callable[[], Sequence[tuple[str, str]]]


MENUS: Final[Registry[Menu]] = Registry("Menus for chosen customers", name=lambda menu: menu.action)


def menus_for(member: Member) -> list[tuple[Menu, Sequence[tuple[str, str]]]]:
    """Those that the member may use, each with its choices; a query for each."""
    offered = [(menu, menu.choices()) for menu in MENUS if member.may(menu.permission)]
    return [(menu, choices) for menu, choices in offered if choices]


def has_menus(member: Member) -> bool:
    """Whether the member may use one, if it has choices; no query."""
    return any(member.may(menu.permission) for menu in MENUS)
