"""What a kind of notification is, and the registry of all of them.

A kind is one entry: which events begin it, whom each tells and about what, how its line reads and where it leads, who
may see it, and by which ways it is told unless somebody chose others. What an app above has to tell registers its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Member
from accounts.permissions import MEMBERSHIP
from activity.models import Event
from core.registry import Registry
from workflows.models import Notification


class Way(StrEnum):
    """How somebody is told. Without PAGE there is no line, and so nothing that another way could tell of."""

    PAGE = "page"
    BROWSER = "browser"
    SOUND = "sound"
    EMAIL = "email"


WAY_LABELS: Mapping[Way, str | Promise] = {
    Way.PAGE: _("In the list"),
    Way.BROWSER: _("Browser notice"),
    Way.SOUND: _("Sound"),
    Way.EMAIL: _("E-mail when away"),
}


class Heading(Enum):
    """Under what a kind stands in the preferences, in this order."""

    CONVERSATIONS = _("Conversations")
    WORK = _("Customers and work")
    SYSTEM = _("Channels, rules and your account")


@dataclass(frozen=True, slots=True)
class Notice:
    """What an event means to members. `users` and `members` are told by their ids, and everybody for whom `is_for`
    holds. `customer_id`: whom it is about. `group` and `data` as in the model."""

    subject_id: UUID
    users: Collection[UUID] = ()
    members: Collection[UUID] = ()
    is_for: Callable[[Member], bool] | None = None
    customer_id: UUID | None = None
    group: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


Read = Callable[[Event], Notice | None]
Settle = Callable[[Event], UUID | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`begins` gives for each event what it tells of, None for nothing. `settled_by` gives the subject of which nothing
    is left to tell by that event: its lines are read then.

    `sentence`, `detail` and `url` are asked with the line, its customer joined; `url` with the organization's slug.
    `reach` is what a member must see beside the customer. `is_counted`: how often it happened is told.
    `is_once`: it is told once for good. `tells_actor`: also who did it themselves, as it may have been somebody else.
    """

    name: str
    label: str | Promise
    heading: Heading
    icon: str
    position: int
    sentence: Callable[[Notification], str]
    url: Callable[[Notification, str], str]
    begins: Mapping[str, Read] = field(default_factory=dict)
    settled_by: Mapping[str, Settle] = field(default_factory=dict)
    detail: Callable[[Notification], str] = lambda line: ""
    permission: str = MEMBERSHIP
    reach: Callable[[Member], Q] | None = None
    ways: frozenset[Way] = frozenset({Way.PAGE})
    is_counted: bool = False
    is_once: bool = False
    tells_actor: bool = False

    def is_open_to(self, member: Member) -> bool:
        """Whether the member's role has what it takes; asked of no counter of uses."""
        return self.permission == MEMBERSHIP or self.permission in member.permissions


ON_PAGE: Final = frozenset({Way.PAGE})
MAILED: Final = frozenset({Way.PAGE, Way.EMAIL})
SHOWN: Final = frozenset({Way.PAGE, Way.BROWSER, Way.EMAIL})
LOUD: Final = frozenset({Way.PAGE, Way.BROWSER, Way.SOUND, Way.EMAIL})

KINDS: Registry[Kind] = Registry(
    "Kinds of notifications",
    name=lambda kind: kind.name,
    order=lambda kind: kind.position,
    describe=lambda kind: f"{kind.label}: {', '.join(kind.begins) or 'told by code'}",
)
register = KINDS.register


def kinds_for(member: Member) -> list[Kind]:
    """The kinds that may come to a member, in order."""
    return [kind for kind in KINDS if kind.is_open_to(member)]


def event_types() -> list[str]:
    """Every event that begins or settles a kind, each once."""
    return list(dict.fromkeys(name for kind in KINDS for name in (*kind.begins, *kind.settled_by)))


def uuid_of(value: object) -> UUID | None:
    """The id in an event's payload; None for none."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def some(*values: UUID | None) -> list[UUID]:
    """The ids that are there."""
    return [value for value in values if value is not None]
