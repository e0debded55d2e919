"""Confirmation: an `unconfirmed` message is settled by a callback, else by the provider's list, else by a person."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from activity.actor import SYSTEM, Actor, acting_as
from activity.ledger import record
from core import clock, queues
from core.claims import released, settle
from core.sweeps import sweep
from core.tenancy import organization_scope
from messaging import events
from messaging.channels import registry
from messaging.channels.base import SendError, SentMessage
from messaging.costs import records as costs
from messaging.delivery import outgoing, statuses
from messaging.delivery import queue as outbound
from messaging.models import Message
from messaging.threads import services as conversations

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 60.0
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=5)
RETRY_AFTER = [timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1)]
# The provider's clock and ours may differ by this much.
CLOCK_TOLERANCE = timedelta(minutes=1)
# A message that the provider made later than this after our request is another one with the same text.
MAX_AFTER = timedelta(minutes=10)

WHAT_TO_DO = "Look on the customer’s side or in the provider’s log, then choose “Send again” or “Mark as sent”."

# An equal text that was queued longer before ours is not taken for it.
OLDEST_EQUAL = timedelta(days=2)

Status = Message.Status


def confirm_due() -> int:
    """Look up every due unconfirmed message at its provider; returns how many were due."""
    return sweep(QUEUE, seconds=DRAIN_SECONDS)


@transaction.atomic
def mark_as_sent(*, message: Message, actor: Actor) -> Message:
    """A person has seen that it arrived. Raises NotPossible unless the message is unconfirmed."""
    locked = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    if locked.status != Status.UNCONFIRMED:
        raise outbound.NotPossible(f"Only an unconfirmed message can be marked as sent; this one is {locked.status}.")
    at = locked.request_began_at or clock.now()
    Message.objects.filter(pk=locked.pk).update(
        status=Status.SENT,
        due_at=None,
        **released(),
        sent_at=at,
        error_code="",
        error_message="",
        changed_at=clock.now(),
    )
    message.refresh_from_db()
    conversations.record_answer(message.conversation_id, at=at)
    costs.record_sent(message)
    outbound.show_status(message)
    payload = {"conversation": str(message.conversation_id), "status": message.status, "by_hand": True}
    record(events.MESSAGE_SENT, subject=message, actor=actor, payload=payload)
    return message


def _unconfirmed() -> QuerySet[Message]:
    rows = Message.objects.filter(status=Status.UNCONFIRMED)
    return rows.select_related("organization", "channel", "conversation", "customer", "reply_to")


def set_aside(message: Message, reason: str) -> None:
    """Stop looking the message up; a person decides, and the message says so."""
    with organization_scope(message.organization), acting_as(SYSTEM), transaction.atomic():
        text = f"{reason} {WHAT_TO_DO}"
        statuses.write_if_claimed(message, Status.UNCONFIRMED, error_code="unconfirmed", error_message=text[:500])


def _work(message: Message) -> None:
    with organization_scope(message.organization), acting_as(SYSTEM):
        _confirm(message)


def _confirm(message: Message) -> None:
    provider = registry.provider(message.channel.provider)
    since = (message.request_began_at or message.created_at) - CLOCK_TOLERANCE
    try:
        listed = provider.find_sent(message.channel.as_account(), outgoing.build(message), since=since)
    except SendError as error:
        _retry_later(message, error.message)
        return
    except Exception:  # asking must never decide anything by failing
        logger.warning("reconcile_failed", extra={"message_id": str(message.pk)}, exc_info=True)
        _retry_later(message, "The provider could not be asked.")
        return
    try:
        result = None if listed is None else _match(message, list(listed))
    except _InFlight:
        settle(message, due_at=clock.now() + statuses.CONFIRM_AFTER)
        return
    if result is None:
        _retry_later(message, "The provider can’t be asked." if listed is None else "The provider does not list it.")
    else:
        _settle(message, result)


class _InFlight(Exception):
    """A message with the same text is being sent to the same person in this moment."""


def _match(message: Message, listed: list[SentMessage]) -> SentMessage | None:
    """The listed message with our text and time that is not another message of ours; None where there is none.

    Where several equal texts are open, each gets its own, in the order in which they left. Raises _InFlight while one
    of them may still hear from the provider itself whose it is.
    """
    began = message.request_began_at or message.created_at
    equals = Message.objects.filter(
        conversation=message.conversation_id, body=message.body, direction=Message.Direction.OUTBOUND
    ).filter(created_at__gte=began - OLDEST_EQUAL)
    known, earlier_open = set(message.extra.get("earlier_ids", [])), 0
    for equal in equals.exclude(pk=message.pk).only("provider_message_id", "extra", "status", "request_began_at"):
        known |= {equal.provider_message_id, *equal.extra.get("earlier_ids", [])}
        if equal.provider_message_id or equal.request_began_at is None:
            continue
        if equal.status == Status.SENDING:
            raise _InFlight
        if equal.status == Status.UNCONFIRMED and (equal.request_began_at, equal.pk) < (began, message.pk):
            earlier_open += 1
    ids = [listed_message.provider_message_id for listed_message in listed]
    elsewhere = Message.objects.filter(channel=message.channel, provider_message_id__in=ids).exclude(pk=message.pk)
    known |= set(elsewhere.values_list("provider_message_id", flat=True))
    fitting = [
        listed_message
        for listed_message in listed
        if listed_message.provider_message_id not in known
        and listed_message.body.strip() == message.body.strip()
        and (listed_message.created_at is None or -CLOCK_TOLERANCE <= listed_message.created_at - began <= MAX_AFTER)
    ]
    fitting.sort(key=lambda listed_message: listed_message.created_at or began)
    return fitting[min(earlier_open, len(fitting) - 1)] if fitting else None


@transaction.atomic
def _settle(message: Message, match: SentMessage) -> None:
    if (
        not Message.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=message.pk, claim_token=message.claim_token)
        .exists()
    ):
        return  # a callback was quicker
    failure = (
        statuses.failure_from_code(message.channel.provider, match.error_code)
        if match.status == Status.FAILED
        else None
    )
    statuses.advance(
        message_id=message.pk,
        status=match.status,
        provider_message_id=match.provider_message_id,
        at=match.created_at,
        failure=failure,
    )


@transaction.atomic
def _retry_later(message: Message, why: str) -> None:
    """Schedule the next look-up; after the last a person decides, and the message says so."""
    locked = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=message.pk, claim_token=message.claim_token)
        .first()
    )
    if locked is None:
        return
    requested = locked.reconcile_attempts
    if requested < len(RETRY_AFTER):
        changes = {"reconcile_attempts": requested + 1, "due_at": clock.now() + RETRY_AFTER[requested], **released()}
        Message.objects.filter(pk=locked.pk).update(**changes)
        return
    statuses.write(
        locked,
        Status.UNCONFIRMED,
        error_code="unconfirmed",
        error_message=f"{why} {WHAT_TO_DO}",
    )


# Asking is no attempt to send.
QUEUE = queues.register(
    queues.Queue(
        name="unconfirmed",
        model=Message,
        rows=_unconfirmed,
        work=_work,
        set_aside=set_aside,
        why="the sweep serves all organizations",
        lease=LEASE,
        goes_on_suspended=True,
        longest=MAX_DURATION,
        is_attempt=False,
        for_members=queues.ForMembers(
            where=gettext_lazy("in its conversation: sent again there, or marked as sent"),
            query="status__exact=unconfirmed",
        ),
    )
)
