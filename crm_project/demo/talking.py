"""What was written between the clinic and a customer, as rows: messages, and the conversation that they add up to.

What services write message by message (`record_inbound`, `record_outbound`, `answered`) is added up here; a test holds
both against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from accounts.models import User
from core.ids import uuid7
from crm_project.demo.people import Person
from crm_project.demo.reading import read
from crm_project.demo.times import Times
from customers.models import Customer
from messaging.models import Channel, Conversation, Message
from messaging.threads.services import preview

SUBJECT = "Question"


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation's words; lines take turns, theirs first."""

    interest: str
    lines: tuple[str, ...]


class Talks:
    """Every talk by its language."""

    def __init__(self) -> None:
        data = read(Path(__file__).with_name("talks.toml"))
        self.by_language: dict[str, list[Talk]] = defaultdict(list)
        for row in data["talks"]:
            self.by_language[row["language"]].append(Talk(row["interest"], tuple(row["lines"])))
        self.again: dict[str, list[list[str]]] = data["again"]
        self.thanks: dict[str, str] = data["thanks"]


class Thread:
    """A conversation that grows line by line."""

    def __init__(self, customer: Customer, channel: Channel, person: Person, agent: User | None) -> None:
        self.channel, self.person, self.agent = channel, person, agent
        address = person.email if channel.kind == "email" else person.phone
        self.conversation = Conversation(
            organization=customer.organization, customer=customer, channel=channel, address=address
        )
        self.messages: list[Message] = []

    def play(self, lines: Iterable[str], begun: datetime, times: Times) -> datetime:
        """The lines in turn from that moment on; when the last was written."""
        at = begun
        for place, line in enumerate(lines):
            if place:
                at = times.after(at, minutes=25 if place % 2 else 70)
            self.write(line, at, is_inbound=place % 2 == 0)
        return at

    def write(self, line: str, at: datetime, *, is_inbound: bool) -> None:
        """One more message; not earlier than the last one."""
        conversation = self.conversation
        agent = self.agent.get_short_name().split()[0] if self.agent else "Harbour Clinic"
        body = line.format(first=self.person.first, agent=agent)
        is_read = self.channel.capabilities.has_read_receipts
        sent = {"sent_at": at, "author": self.agent, "delivered_at": at if is_read else None,
                "read_at": at if is_read else None}  # fmt: skip
        subject = SUBJECT if self.channel.kind == "email" else ""
        message = Message(
            organization=conversation.organization,
            conversation=conversation,
            customer=conversation.customer,
            channel=self.channel,
            direction=Message.Direction.INBOUND if is_inbound else Message.Direction.OUTBOUND,
            status=_status(is_inbound=is_inbound, is_read=is_read),
            body=body,
            subject=subject if is_inbound or not subject else f"Re: {subject}",
            address=conversation.address,
            provider_message_id=f"demo-{uuid7()}",
            created_at=at,
            changed_at=at,
            **({} if is_inbound else sent),
        )
        self.messages.append(message)
        self._add_up(message, is_inbound=is_inbound)

    def _add_up(self, message: Message, *, is_inbound: bool) -> None:
        conversation, at = self.conversation, message.created_at
        if len(self.messages) == 1:
            conversation.created_at = at
        conversation.last_message, conversation.last_message_at = message, at
        conversation.last_message_preview = preview(message)
        conversation.last_message_direction, conversation.last_message_status = message.direction, message.status
        if is_inbound:
            conversation.unread_count += 1
            conversation.last_inbound_at = at
            conversation.waiting_since = conversation.waiting_since or at
        else:
            # Who answers has read.
            conversation.unread_count, conversation.waiting_since = 0, None
            conversation.last_outbound_at = at

    def close(self) -> None:
        """Over: resolved, and read."""
        self.conversation.status = Conversation.Status.RESOLVED
        self.conversation.unread_count = 0

    @property
    def last_at(self) -> datetime:
        return self.messages[-1].created_at


def _status(*, is_inbound: bool, is_read: bool) -> str:
    if is_inbound:
        return Message.Status.RECEIVED
    return Message.Status.READ if is_read else Message.Status.SENT
