"""Who sent what no person sent: apps above that queue messages say so, and the thread shows it with a link."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import Member
from core.registry import Registry
from messaging.models import Message

BY_PEOPLE = (Message.Origin.PERSON, Message.Origin.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Sender:
    """A name for people, and the page that tells more; empty for a member who may not open it."""

    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Senders:
    """`find` gives the senders of those of the messages that are its own, by their ids; in one query."""

    name: str
    origins: Collection[str]
    find: Callable[[Sequence[Message], Member], Mapping[UUID, Sender]]


_senders: Registry[Senders] = Registry(
    "Who sends automatic messages", name=lambda one: one.name, describe=lambda one: ", ".join(one.origins)
)
register = _senders.register


def name_senders(messages: Sequence[Message], member: Member) -> None:
    """Set `sent_by` of those that an app sent. One query for each app, and none where nothing is automatic."""
    for one in _senders:
        if own := [message for message in messages if message.origin in one.origins]:
            found = one.find(own, member)
            for message in own:
                message.sent_by = found.get(message.pk)
