"""WhatsApp's 24 hours begin with the customer's word, and with nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.delivery import checks, confirmation, sending, statuses
from messaging.delivery import queue as outbound
from messaging.models import Conversation
from messaging.threads import services as conversations
from tests.messaging.conftest import Webhooks, current, inbound_params, work


@pytest.fixture
def nearly_over(thread: Conversation) -> Conversation:
    with organization_scope(thread.organization):
        Conversation.objects.filter(pk=thread.pk).update(last_inbound_at=timezone.now() - timedelta(hours=23))
        thread.refresh_from_db()
    return thread


def again(thread: Conversation) -> Conversation:
    with organization_scope(thread.organization):
        rows = Conversation.objects.select_related("customer__organization", "channel", "organization")
        return rows.get(pk=thread.pk)


@pytest.mark.parametrize("how", ["queued", "sent", "delivered", "read", "answered", "note", "marked as sent", "failed"])
def test_nothing_of_ours_lengthens_it(alice: Any, nearly_over: Conversation, queue: Any, twilio: Any, how: str):
    ends = nearly_over.window_expires_at
    message = queue("An answer", nearly_over)
    with organization_scope(alice.organization):
        if how in ("sent", "delivered", "read"):
            sending.deliver_due()
            statuses.advance(message_id=message.pk, status=how)
        elif how == "answered":
            conversations.record_answer(nearly_over.pk, at=timezone.now())
        elif how == "note":
            outbound.add_note(conversation=nearly_over, body="n", actor=alice.actor)
        elif how == "marked as sent":
            type(message).objects.filter(pk=message.pk).update(status="unconfirmed")
            confirmation.mark_as_sent(message=current(message), actor=alice.actor)
        elif how == "failed":
            failure = statuses.Failure("30008", "No.", statuses.Retry.NEVER)
            statuses.advance(message_id=message.pk, status="failed", failure=failure)
    assert again(nearly_over).window_expires_at == ends
    with organization_scope(alice.organization), pytest.raises(checks.WindowClosed):
        later = timezone.now() + timedelta(hours=2)
        checks.require_allowed(again(nearly_over), at=later)


def test_their_word_does(nearly_over: Conversation, webhooks: Webhooks):
    ends = nearly_over.window_expires_at
    webhooks.whatsapp(inbound_params())
    work()
    assert again(nearly_over).window_expires_at > ends + timedelta(hours=22)
