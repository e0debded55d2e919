"""The end of an attempt: its result is written behind the fence, unless the claim is lost."""

from __future__ import annotations

from django.db import transaction

from core import clock
from messaging import alerts
from messaging.channels.base import SendResult
from messaging.costs import records as costs
from messaging.delivery import statuses
from messaging.delivery.statuses import Failure
from messaging.inbound_deliveries.store import expect_status
from messaging.models import Message
from messaging.threads import services as conversations

Status = Message.Status


@transaction.atomic
def settle_sent(message: Message, result: SendResult) -> None:
    """Write that the provider took the message. Without the claim only news is written, as for a callback."""
    now = clock.now()
    is_written = statuses.write_if_claimed(
        message,
        Status.SENT,
        provider_message_id=result.provider_message_id,
        sent_at=now,
        error_code="",
        error_message="",
    )
    if is_written:
        conversations.record_answer(message.conversation_id, at=now)
        alerts.resolve(message.channel)
        costs.record_sent(message)
    else:
        # A callback was quicker than the provider's own answer, or the lease ran out: only what is news is applied.
        statuses.advance(message_id=message.pk, status=Status.SENT, provider_message_id=result.provider_message_id)
    for later in result.later:
        expect_status(
            message=message,
            provider_message_id=result.provider_message_id,
            status=later.status,
            error_code=later.error_code,
            after=later.after,
        )


@transaction.atomic
def settle_failure(message: Message, failure: Failure) -> None:
    """Write a failure; the next step is the failure's `retry`."""
    locked = _hold(message)
    if locked is not None:
        statuses.fail(locked, failure)


@transaction.atomic
def settle_unconfirmed(message: Message, why: str) -> None:
    """Write that nobody knows whether the message left; its confirmation is scheduled."""
    locked = _hold(message)
    if locked is not None:
        statuses.write(
            locked,
            Status.UNCONFIRMED,
            due_at=clock.now() + statuses.CONFIRM_AFTER,
            error_code="unconfirmed",
            error_message=f"{why} The provider is being asked whether it has the message."[:500],
        )


def _hold(message: Message) -> Message | None:
    """The row, locked, if the claim is still ours."""
    return (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer__organization", "channel")
        .filter(pk=message.pk, claim_token=message.claim_token)
        .first()
    )
