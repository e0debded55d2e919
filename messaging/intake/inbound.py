"""Intake, stage by stage: from a parsed delivery to a message in a conversation, in one transaction.

Mail, WhatsApp and SMS go the same way. Each stage is a file in `stages/` and says what it may read and what it adds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from messaging.channels.base import ReceivedMessage
from messaging.intake.stages import customer, effects, repeat, report, sender, store, thread, waiting
from messaging.intake.stages.context import Inbound, Stage
from messaging.models import Channel, Message

STAGES: Final[tuple[Stage, ...]] = (
    sender.STAGE,
    repeat.STAGE,
    customer.STAGE,
    waiting.STAGE,
    thread.STAGE,
    store.STAGE,
    effects.STAGE,
    report.STAGE,
)


# No savepoint of its own: a caller inside a transaction rolls that back.
@transaction.atomic(savepoint=False)
def receive(*, channel: Channel, received: ReceivedMessage, received_at: datetime | None = None) -> Message:
    """Process a received message; the same provider's id twice is one message.

    Raises InvalidAddress for a sender that is no address.
    """
    inbound = Inbound(channel, received, received_at or timezone.now())
    for stage in STAGES:
        stage.run(inbound)
        if inbound.repeated is not None:
            return inbound.repeated
    return inbound.message
