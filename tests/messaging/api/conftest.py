from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.tenancy import organization_scope
from messaging.channels.base import Kind, ReceivedMessage
from messaging.models import Channel, Message
from messaging.services import inbound


@pytest.fixture
def write_in(alice: Any) -> Callable[..., Message]:
    """Somebody writes to Alice's clinic on one of its simulator channels."""
    count = 0

    def write(body: str = "Hello", sender: str = "+447700900201", kind: str = "whatsapp", **fields: Any) -> Message:
        nonlocal count
        count += 1
        with organization_scope(alice.organization):
            channel = Channel.objects.select_related("organization").get(kind=kind, provider="simulator")
            received = ReceivedMessage(
                kind=Kind(kind),
                provider_message_id=f"in-{count}",
                to=channel.address,
                sender=sender,
                body=body,
                **fields,
            )
            return inbound.receive(channel=channel, received=received)

    return write
