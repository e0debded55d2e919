"""What mails come to, and what was sent before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer
from messaging.delivery import queue as outbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations
from tests.messaging.conftest import current, make_mailbox

ADA = "ada@example.com"


@pytest.fixture
def mailbox(alice: Any, disk: Path) -> Channel:
    return make_mailbox(alice)


@pytest.fixture
def sent(alice: Any, mailbox: Channel, make_customer: Any) -> Any:
    """A mail of ours that left."""
    made = 0

    def send(email: str = ADA, customer: Customer | None = None, channel: Channel = mailbox, **more: Any) -> Message:
        nonlocal made
        made += 1
        customer = customer or make_customer(email=email)
        with organization_scope(alice.organization):
            thread = conversations.begin(customer=customer, channel=channel)
            thread = Conversation.objects.select_related("customer__organization", "channel", "organization").get(
                pk=thread.pk
            )
            message = outbound.queue_message(
                conversation=thread, body=f"Our mail {made}", subject="Visit", actor=alice.actor, **more
            )
            Message.objects.filter(pk=message.pk).update(
                status="sent", due_at=None, sent_at=timezone.now(),
                provider_message_id=f"<{message.pk}@harbour.example>",
            )  # fmt: skip
        return current(message)

    return send
