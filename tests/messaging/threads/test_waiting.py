"""Since when a customer waits: from the first message that has no answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.tenancy import organization_scope
from messaging.models import Conversation, Message
from messaging.threads import services as conversations


def write(thread: Conversation, *, minutes_ago: int, direction: str) -> Message:
    """A message that stands in the thread, so many minutes old."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    row = Message.objects.create(
        organization=thread.organization, conversation=thread, customer=thread.customer, channel=thread.channel,
        direction=direction, status="received" if direction == "inbound" else "sent", created_at=at,
    )  # fmt: skip
    thread.refresh_from_db()
    return row


def test_they_wait_from_the_first_message_that_has_no_answer(alice: Any, thread: Conversation):
    with organization_scope(alice.organization):
        Conversation.objects.filter(pk=thread.pk).update(waiting_since=None, last_inbound_at=None)
        times = []
        for minutes in (30, 20, 10):
            message = write(thread, minutes_ago=minutes, direction="inbound")
            conversations.record_inbound(thread, message, actor=alice.actor)
            times.append(message.created_at)
        thread.refresh_from_db()
        assert (thread.waiting_since, thread.last_inbound_at) == (times[0], times[-1])
        conversations.record_answer(thread.pk, at=timezone.now() - timedelta(minutes=5))
        thread.refresh_from_db()
        assert thread.waiting_since is None
        later = write(thread, minutes_ago=1, direction="inbound")
        conversations.record_inbound(thread, later, actor=alice.actor)
        thread.refresh_from_db()
        assert thread.waiting_since == later.created_at
