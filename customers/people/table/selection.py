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
    with their labels, in one query, asked for when the menu is opened; `nothing` is said where there are none."""

    action: str
    label: str | Promise
    icon: str
    permission: str
    nothing: str | Promise
    choices: Callable[[], Sequence[tuple[str, str]]]


MENUS: Final[Registry[Menu]] = Registry("Menus for chosen customers", name=lambda menu: menu.action)


def menus_for(member: Member) -> list[Menu]:
    """Those that the member may use; no query."""
    return [menu for menu in MENUS if member.may(menu.permission)]


def has_menus(member: Member) -> bool:
    """Whether the member may use one, if it has choices; no query."""
    return any(member.may(menu.permission) for menu in MENUS)
