"""Message statuses: they only move forward; a late or doubled report changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from activity.actor import SYSTEM, Actor
from activity.ledger import record
from core import clock
from core.claims import backoff, released
from customers.people.consent import services as consent
from messaging import alerts, events
from messaging.channels import registry
from messaging.channels.base import Retry, final
from messaging.costs import records as costs
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Message
from messaging.threads import services as conversations

RETRIES = [timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6)]
CONFIRM_AFTER = timedelta(seconds=30)
MAX_WAIT = timedelta(days=1)

Status = Message.Status
_RANK = {
    Status.QUEUED: 0,
    Status.SENDING: 1,
    Status.UNCONFIRMED: 1,
    Status.SENT: 2,
    Status.DELIVERED: 3,
    Status.READ: 4,
}
_EVENTS = {
    Status.SENT: events.MESSAGE_SENT,
    Status.DELIVERED: events.MESSAGE_DELIVERED,
    Status.READ: events.MESSAGE_READ,
    Status.FAILED: events.MESSAGE_FAILED,
    Status.UNCONFIRMED: events.MESSAGE_UNCONFIRMED,
}
_REACHED = (Status.SENT, Status.DELIVERED, Status.READ)
_MOMENT = {Status.SENT: "sent_at", Status.DELIVERED: "delivered_at", Status.READ: "read_at"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message did not go out, and the next step."""

    code: str
    message: str
    retry: Retry
    retry_after: timedelta | None = None

    @property
    def is_for_administrators(self) -> bool:
        """Whether the channel has to be corrected, and not this message: its plain words say who is asked."""
        return self.retry == Retry.FIX and "administrator" in self.message.lower()


@transaction.atomic
def advance(
    *,
    message_id: UUID,
    status: str,
    provider_message_id: str = "",
    at: datetime | None = None,
    failure: Failure | None = None,
) -> str:
    """Apply a status that a provider reported; returns what was done, in words, for the arrival's log."""
    message = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer__organization", "organization", "channel")
        .get(pk=message_id)
    )
    reported, current = Status(status), Status(message.status)
    if _is_of_earlier_attempt(message, provider_message_id) and reported not in (Status.DELIVERED, Status.READ):
        # That it arrived after all is news whichever attempt it was; that an attempt was sent or failed is not.
        return "ignored: it speaks of an earlier attempt"
    if not _is_forward(current, reported):
        _learn(message, reported, provider_message_id, at)
        return f"ignored: the message is {current} already"
    if reported == Status.FAILED and failure is not None:
        fail(message, failure, provider_message_id=provider_message_id)
        return f"applied: {message.status}"
    moment = at or clock.now()
    changes: dict[str, Any] = {"error_code": "", "error_message": "", "sent_at": message.sent_at or moment}
    if reported != Status.SENT:
        changes[_MOMENT[reported]] = moment
    write(message, reported, provider_message_id=provider_message_id or message.provider_message_id, **changes)
    if current not in _REACHED:
        conversations.record_answer(message.conversation_id, at=message.sent_at or moment)
        costs.record_sent(message)
    return f"applied: {reported}"


def write(message: Message, status: str, *, due_at: datetime | None = None, **changes: object) -> None:
    """Set a message's status, end its claim, and update the list and the ledger. The caller has the row locked."""
    _write(Message.objects.filter(pk=message.pk), message, status, due_at, changes)


def write_if_claimed(message: Message, status: str, *, due_at: datetime | None = None, **changes: object) -> bool:
    """Like `write`, behind the fence; False, and nothing written, when the claim was lost meanwhile."""
    rows = Message.objects.filter(pk=message.pk, claim_token=message.claim_token)
    return _write(rows, message, status, due_at, changes)


def _write(
    rows: QuerySet[Message], message: Message, status: str, due_at: datetime | None, changes: dict[str, Any]
) -> bool:
    changes |= {"status": status, "due_at": due_at, "changed_at": clock.now(), **released()}
    try:
        with transaction.atomic():
            is_written = rows.update(**changes) == 1
    except IntegrityError:
        _free(message, changes.get("provider_message_id", ""))
        is_written = rows.update(**changes) == 1
    if is_written:
        for name, value in changes.items():
            setattr(message, name, value)
        report(message)
    return is_written


def report(message: Message, actor: Actor = SYSTEM) -> None:
    """Update the list and the ledger after a change of a message's status."""
    outbound.show_status(message)
    acted_for = message.extra.get(outbound.ACTED_FOR)
    if acted_for:
        actor = replace(actor, impersonator_id=acted_for["impersonator_id"])
    event_type = _EVENTS.get(Status(message.status))
    if event_type is not None:
        payload = {
            "conversation": str(message.conversation_id),
            "status": message.status,
            "error_code": message.error_code,
        }
        record(event_type, subject=message, actor=actor, payload=payload)


def fail(message: Message, failure: Failure, *, provider_message_id: str = "") -> None:
    """Apply a failure: the message is tried again by its class, or failed. The caller has the row locked."""
    was_sent = message.status in (Status.SENT, Status.DELIVERED, Status.READ)
    reason: dict[str, Any] = {"error_code": failure.code[:32], "error_message": failure.message[:500]}
    if failure.retry == Retry.SUPPRESS:
        _suppress(message, failure)
    if failure.retry == Retry.TEMPLATE:
        _learn_closed(message)
    wait = _wait(message, failure)
    if failure.retry == Retry.RECONCILE:
        write(message, Status.UNCONFIRMED, due_at=clock.now() + CONFIRM_AFTER, **reason)
    elif wait is not None:
        earlier = remember_attempt(message, provider_message_id)
        write(message, Status.QUEUED, due_at=clock.now() + wait, request_began_at=None, **earlier, **reason)
    else:
        reason["error_message"] = final(failure.message)[:500]
        write(message, Status.FAILED, provider_message_id=provider_message_id or message.provider_message_id, **reason)
    if was_sent:
        conversations.withdraw(message.conversation_id)
    if failure.is_for_administrators:
        alerts.raise_alert(message.channel, code=failure.code, text=failure.message)
    # After the channel, as where a message is settled as sent: both hold the channel before an allowance.
    if was_sent and message.status == Status.FAILED:
        costs.record_failed(message)
    elif was_sent:
        costs.withdraw(message)


def _learn_closed(message: Message) -> None:
    """Note that the reply window is closed, as the provider reports, whatever we had computed."""
    earlier = Q(window_closed_at=None) | Q(window_closed_at__lt=F("last_inbound_at"))
    Conversation.objects.filter(earlier, pk=message.conversation_id).update(window_closed_at=clock.now())


def _suppress(message: Message, failure: Failure) -> None:
    consent.change(
        customer=message.customer,
        channel=message.channel.kind,
        is_granted=False,
        how=f"{consent.BY_PROVIDER} ({failure.code})",
        proof=str(message.pk),
        actor=SYSTEM,
    )
    outbound.cancel_on_opt_out(customer=message.customer, channel_kind=message.channel.kind, actor=SYSTEM)


def failure_from_code(provider: str, code: str) -> Failure:
    """What a provider's error code in a callback means."""
    meaning = registry.provider(provider).explain(code)
    return Failure(code or "unknown", meaning.message, meaning.retry)


def remember_attempt(message: Message, provider_message_id: str = "") -> dict[str, object]:
    """The fields of a message that is to be sent again: its ids so far are those of earlier attempts."""
    known = {provider_message_id, message.provider_message_id} - {""}
    earlier = [*message.extra.get("earlier_ids", []), *sorted(known)]
    return {"provider_message_id": "", "extra": {**message.extra, "earlier_ids": earlier[-10:]}}


def _is_of_earlier_attempt(message: Message, provider_message_id: str) -> bool:
    if not provider_message_id:
        return False
    if message.provider_message_id:
        return message.provider_message_id != provider_message_id
    return provider_message_id in message.extra.get("earlier_ids", [])


def _wait(message: Message, failure: Failure) -> timedelta | None:
    if failure.retry == Retry.TEMPLATE and message.fallback_template_id and not message.provider_template_id:
        return timedelta(0)  # the template goes out instead
    if failure.retry not in (Retry.LATER, Retry.BACKOFF):
        return None
    wait = backoff(message.attempts, RETRIES)
    if wait is None:
        return None
    # A provider that names a time far away is asked again within a day all the same.
    return max(wait, min(failure.retry_after, MAX_WAIT)) if failure.retry_after else wait


def _is_forward(current: Status, reported: Status) -> bool:
    if reported == Status.FAILED:
        return current in (Status.QUEUED, Status.SENDING, Status.UNCONFIRMED, Status.SENT)
    return current in _RANK and _RANK[reported] > _RANK[current]


def _learn(message: Message, reported: Status, provider_message_id: str, at: datetime | None) -> None:
    """A late word may still hold what was not known: the provider's id, or when it was delivered."""
    changes: dict[str, Any] = {}
    if (
        provider_message_id
        and not message.provider_message_id
        and message.status not in (Status.CANCELLED, Status.FAILED)
    ):
        changes["provider_message_id"] = provider_message_id
    if reported == Status.DELIVERED and message.status == Status.READ and message.delivered_at is None:
        changes["delivered_at"] = at or message.read_at
    if changes:
        _free(message, changes.get("provider_message_id", ""))
        Message.objects.filter(pk=message.pk).update(**changes)


def _free(message: Message, provider_message_id: str) -> None:
    """The provider names the message that has this id; where it was guessed for another with the same text, that one is
    unconfirmed again."""
    if not provider_message_id or message.provider_message_id == provider_message_id:
        return
    others = Message.objects.filter(channel=message.channel_id, provider_message_id=provider_message_id)
    for other in others.exclude(pk=message.pk).select_for_update(of=("self",), no_key=True):
        write(other, Status.UNCONFIRMED, due_at=clock.now(), provider_message_id="", error_code="unconfirmed")
        costs.withdraw(other)
