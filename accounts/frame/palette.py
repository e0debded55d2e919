"""The palette: what Ctrl K finds and does. Apps register sources of results and actions in their subscribers.

A source takes one query, whatever is asked; reach is its own duty (`visible_to`). Pages come from the menu.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse

from accounts.frame import menu
from accounts.models import Member
from core.registry import Registry

# So many results a source gives at most.
SHOWN = 5
SELDOM = 90
MAX_TEXT_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what the member opened last (for a palette in which nothing was typed yet)."""

    text: str = ""
    recent: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """`url` is where it leads; a `command` is done by the page's script instead (static/js/palette.js)."""

    title: str
    url: str = ""
    detail: str = ""
    icon: str = "arrow-right"
    command: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """`find` gives up to SHOWN results within the member's reach, in one query at most."""

    key: str
    label: str
    permission: str
    find: Callable[[Member, Asked], list[Result]]
    position: int


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: a page to open (`url_name`, with the organization's slug) or a `command`.

    `words` are what else people call it. What is SELDOM wanted is offered once something is typed.
    """

    label: str
    icon: str
    permission: str = ""
    url_name: str = ""
    command: str = ""
    words: str = ""
    query: str = ""
    position: int = 10


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    label: str
    results: list[Result] = field(default_factory=list)


_sources: Registry[Source] = Registry(
    "Sources of the palette",
    name=lambda source: source.key,
    order=lambda source: source.position,
    describe=lambda source: str(source.label),
)
_actions: Registry[Action] = Registry(
    "Actions of the palette",
    name=lambda action: str(action.label),
    order=lambda action: action.position,
    describe=lambda action: action.url_name or action.command,
)
register = _sources.register
register_action = _actions.register


def find(member: Member, asked: Asked) -> list[Group]:
    """What fits, group by group in the order of positions; groups without a result are left out."""
    groups = [
        Group(source.key, source.label, source.find(member, asked)[:SHOWN])
        for source in _sources
        if member.may(source.permission)
    ]
    todo = Group("actions", "Do", _fitting(_offered(member, SELDOM + 1 if asked.text else SELDOM), asked.text))
    pages = Group("pages", "Go to", _fitting(_pages(member), asked.text))
    # With nothing typed yet what one might do comes before what one might look for again.
    ordered = [*groups, todo, pages] if asked.text else [*groups[:1], todo, pages, *groups[1:]]
    return [group for group in ordered if group.results]


def _offered(member: Member, below: int) -> list[tuple[Result, str]]:
    results = []
    for action in _actions:
        if action.position >= below:
            break
        if action.permission and not member.may(action.permission):
            continue
        url = reverse(action.url_name, args=[member.organization.slug]) + action.query if action.url_name else ""
        results.append((Result(action.label, url, icon=action.icon, command=action.command), action.words))
    return results


def _pages(member: Member) -> list[tuple[Result, str]]:
    return [
        (Result(str(entry.label), reverse(entry.url_name, args=[member.organization.slug]), icon=entry.icon), "")
        for entry in menu.entries()
        if member.may(entry.permission)
    ]


def _fitting(offered: list[tuple[Result, str]], text: str) -> list[Result]:
    """Those in which every word that was typed begins a word."""
    wanted = text.casefold().split()
    results = []
    for result, more in offered:
        words = f"{result.title} {more}".casefold().split()
        if all(any(word.startswith(one) for word in words) for one in wanted):
            results.append(result)
    return results


for _action in (
    Action("Light theme", "sun", command="theme:light", words="appearance bright day", position=SELDOM),
    Action("Dark theme", "moon", command="theme:dark", words="appearance night", position=SELDOM),
    Action("Theme of the system", "sun-moon", command="theme:", words="appearance auto light dark", position=SELDOM),
    Action("Keyboard", "keyboard", command="shortcuts", words="keys shortcuts help", position=SELDOM),
    Action("Sign out", "log-out", command="sign-out", words="log out leave", position=SELDOM),
):
    register_action(_action)
