"""Histories made by hand: events, messages and words on consent at moments of the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from activity import jobs
from activity.actor import SYSTEM, Actor
from activity.ledger import record
from activity.models import Event
from core.tenancy import every_organization
from messaging.events import MESSAGE_QUEUED, MESSAGE_RECEIVED
from messaging.models import Conversation, Message
from workflows.models import Rehearsal, Workflow
from workflows.rehearsals import services

BEGINNING = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=10)


def at(hours: float = 0) -> datetime:
    """So long after the beginning, ten days ago."""
    return BEGINNING + timedelta(hours=hours)


class Past:
    """Writes into the past of one customer and their thread."""

    def __init__(self, conversation: Conversation, actor: Actor) -> None:
        self.conversation, self.customer, self.actor = conversation, conversation.customer, actor

    def event(self, type_: str, when: datetime, payload: Any, *, subject: Any = None, actor: Any = None) -> Event:
        with time_machine.travel(when, tick=False):
            return record(
                type_, subject=subject or self.customer, payload=payload, actor=actor or self.actor,
                customer_id=self.customer.pk,
            )  # fmt: skip

    def writes(self, when: datetime, body: str = "Hello", *, actor: Actor = SYSTEM, **payload: Any) -> Event:
        """The customer writes."""
        message = self._message(when, Message.Direction.INBOUND, body)
        payload = {
            "conversation": str(self.conversation.pk), "channel": self.conversation.channel.kind,
            "channel_id": str(self.conversation.channel_id), "is_new_customer": False, "is_automatic": False,
            "opt": "", **payload,
        }  # fmt: skip
        return self.event(MESSAGE_RECEIVED, when, payload, subject=message, actor=actor)

    def answers(self, when: datetime, origin: str = "person") -> Event:
        """One of ours writes, or a rule does."""
        message = self._message(when, Message.Direction.OUTBOUND, "Good morning", origin=origin)
        payload = {"conversation": str(self.conversation.pk)}
        return self.event(MESSAGE_QUEUED, when, payload, subject=message)

    def moves(self, when: datetime, before: str, after: str, **more: Any) -> Event:
        return self.event("customer.stage_changed", when, {"from": before, "to": after, "reason": ""}, **more)

    def _message(self, when: datetime, direction: str, body: str, **more: Any) -> Message:
        with time_machine.travel(when, tick=False):
            return Message.objects.create(
                organization=self.customer.organization, customer=self.customer, conversation=self.conversation,
                channel=self.conversation.channel, direction=direction, body=body, status="delivered", **more,
            )  # fmt: skip


@pytest.fixture
def past(alice: Any, inside: Any, make_conversation: Callable[..., Conversation]) -> Callable[..., Past]:
    return lambda **fields: Past(make_conversation(**fields), alice.actor)


def run_jobs() -> None:
    with every_organization("the worker looks for all"):
        while jobs.run_due():
            pass


@pytest.fixture
def rehearse(alice: Any, inside: Any) -> Callable[..., Rehearsal]:
    """`rehearse(rule)`: rehearsed to its end over the last 30 days, by Alice."""

    def do(rule: Workflow, member: Any = None, **more: Any) -> Rehearsal:
        rehearsal = services.start(workflow=rule, member=member or alice.member, actor=alice.actor, **more)
        run_jobs()
        rehearsal.refresh_from_db()
        assert rehearsal.status == "done", rehearsal.job.error
        return rehearsal

    return do
