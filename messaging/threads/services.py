"""Beginning conversations, and keeping their times, counts and status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Max, Q, When
from django.utils import timezone

from activity.actor import SYSTEM, Actor
from activity.ledger import record
from core.refused import Refused
from core.tenancy import every_organization, organization_scope
from customers.models import Customer, Identity
from messaging import events
from messaging.channels.base import Kind
from messaging.models import Channel, Conversation, Message
from messaging.models.querysets import ConversationQuerySet

PREVIEW_LENGTH = 160
# So many snoozes end in one go; the beat comes again soon.
SNOOZES = 500


def begin(*, customer: Customer, channel: Channel, address: str = "") -> Conversation:
    """The customer's conversation on this channel, made where there is none; with the address to write to.

    After a merge there may be several: the one with this address, else the first.
    """
    return _begin(customer, channel, address, Conversation.objects.select_related("customer", "channel"))


def begin_locked(*, customer: Customer, channel: Channel, address: str = "") -> Conversation:
    """Like `begin`, with the row locked until the transaction ends. One statement where it is there."""
    conversation = _begin(customer, channel, address, Conversation.objects.select_for_update(no_key=True))
    conversation.customer, conversation.channel = customer, channel
    return conversation


def lock(conversation: Conversation, *, customer: Customer) -> Conversation:
    """The row as it is now, locked until the transaction ends: counts and times of two messages must not cross."""
    rows = Conversation.objects.select_for_update(of=("self",), no_key=True).select_related("channel__organization")
    row = rows.get(pk=conversation.pk)
    row.customer = customer
    return row


def _begin(customer: Customer, channel: Channel, address: str, rows: ConversationQuerySet) -> Conversation:
    target = address or address_for(customer, channel)
    known = list(rows.filter(customer=customer, channel=channel).order_by("thread_number"))
    if known:
        conversation = next((thread for thread in known if thread.address == target), known[0])
    else:
        conversation, _ = rows.get_or_create(
            organization=customer.organization,
            customer=customer,
            channel=channel,
            thread_number=1,
            defaults={"address": target},
        )
    if target and conversation.address != target and (address or not conversation.address):
        Conversation.objects.filter(pk=conversation.pk).update(address=target)
        conversation.address = target
    return conversation


def address_for(customer: Customer, channel: Channel) -> str:
    """Where the customer can be written to on this kind of channel; empty when nowhere."""
    kinds = {
        Kind.EMAIL: [Identity.Kind.EMAIL],
        Kind.SMS: [Identity.Kind.PHONE],
        Kind.WHATSAPP: [Identity.Kind.PHONE, Identity.Kind.WHATSAPP_USER],
    }.get(Kind(channel.kind), [])
    known = {identity.kind: identity.value for identity in reversed(customer.identities.filter(kind__in=kinds))}
    for kind in kinds:
        if kind in known:
            return known[kind]
    # An address that is another customer's identity too (made with allow_duplicate) is still written here.
    return {Kind.EMAIL: customer.email, Kind.SMS: customer.phone, Kind.WHATSAPP: customer.phone}.get(
        Kind(channel.kind), ""
    )


def record_outbound(conversation: Conversation, message: Message) -> None:
    """Show a message of ours in the list; one that came late, by its time, does not push another away."""
    Conversation.objects.filter(pk=conversation.pk).filter(
        Q(last_message__isnull=True) | Q(last_message_at__lte=message.created_at)
    ).update(**_newest(message))


def _newest(message: Message) -> dict[str, object]:
    """The columns by which a list shows a conversation's newest message."""
    return {
        "last_message": message,
        "last_message_at": message.created_at,
        "last_message_preview": preview(message),
        "last_message_direction": message.direction,
        "last_message_status": message.status,
    }


def preview(message: Message) -> str:
    """One line of a message, for lists."""
    text = " ".join((message.body or message.subject).split())
    if not text and message.location:
        text = "Location"
    if not text and message.button:
        text = str(message.button.get("text", ""))
    if not text and message.extra.get("media_count"):
        text = "Attachment"
    return text[:PREVIEW_LENGTH]


def record_inbound(conversation: Conversation, message: Message, *, actor: Actor, is_automatic: bool = False) -> None:
    """Bring a conversation up to date with a customer's message: on top, unread, waiting for an answer, open again.

    One that no person wrote is shown as unread, and changes nothing else. `conversation` is locked; one statement.
    """
    at = message.created_at
    changes: dict[str, object] = {"unread_count": conversation.unread_count + 1}
    if conversation.last_message_id is None or conversation.last_message_at <= at:
        changes |= _newest(message)
    was_closed = conversation.status in (Conversation.Status.RESOLVED, Conversation.Status.SNOOZED)
    is_first = conversation.last_inbound_at is None and conversation.last_outbound_at is None
    if not is_automatic:
        changes |= {
            "status": Conversation.Status.OPEN,
            "snoozed_until": None,
            "last_inbound_at": max(at, conversation.last_inbound_at or at),
            "waiting_since": conversation.waiting_since or at,
        }
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    for name, value in changes.items():
        setattr(conversation, name, value)
    if not is_automatic and (was_closed or is_first):
        _record(events.CONVERSATION_OPENED, conversation, actor, {"again": was_closed})


def record_answer(conversation_id: UUID, *, at: datetime) -> None:
    """Note that a message of ours left: earlier messages of the customer count as answered."""
    earlier = Q(last_outbound_at=None) | Q(last_outbound_at__lt=at)
    still_waiting = When(last_inbound_at__gt=at, then=F("waiting_since"))
    Conversation.objects.filter(earlier, pk=conversation_id).update(
        last_outbound_at=at, waiting_since=Case(still_waiting, default=None)
    )


def withdraw(conversation_id: UUID) -> None:
    """Note that a message of ours did not arrive: the time of the newest that did is set again."""
    out = Message.objects.filter(
        conversation_id=conversation_id,
        direction=Message.Direction.OUTBOUND,
        status__in=[Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ],
    )
    newest = out.order_by("-sent_at").values_list("sent_at", flat=True).first()
    conversation = Conversation.objects.get(pk=conversation_id)
    waiting = conversation.last_inbound_at is not None and (newest is None or newest < conversation.last_inbound_at)
    Conversation.objects.filter(pk=conversation_id).update(
        last_outbound_at=newest, waiting_since=conversation.last_inbound_at if waiting else None
    )


@transaction.atomic
def mark_read(*, conversation: Conversation, actor: Actor) -> bool:
    """Mark all messages as read; False where they were."""
    changed = Conversation.objects.filter(pk=conversation.pk, unread_count__gt=0).update(unread_count=0) == 1
    if changed:
        conversation.unread_count = 0
        _record(events.CONVERSATION_UPDATED, conversation, actor, {"unread_count": 0})
    return changed


@transaction.atomic
def set_status(*, conversation: Conversation, status: str, actor: Actor, snoozed_until: datetime | None = None) -> bool:
    """Set the status: open, pending, snoozed or resolved; False where it is set already."""
    if status == Conversation.Status.SNOOZED and (snoozed_until is None or snoozed_until <= timezone.now()):
        raise Refused("Say until when to snooze: a time to come.", field="snoozed_until")
    until = snoozed_until if status == Conversation.Status.SNOOZED else None
    rows = Conversation.objects.filter(pk=conversation.pk).exclude(status=status, snoozed_until=until)
    if rows.update(status=status, snoozed_until=until) == 0:
        return False
    before, conversation.status, conversation.snoozed_until = conversation.status, status, until
    resolved = status == Conversation.Status.RESOLVED
    opened = status == Conversation.Status.OPEN and before == Conversation.Status.RESOLVED
    event = events.CONVERSATION_RESOLVED if resolved else events.CONVERSATION_UPDATED
    _record(
        events.CONVERSATION_OPENED if opened else event, conversation, actor, {"status": {"from": before, "to": status}}
    )
    return True


def is_snooze_over(conversation: Conversation) -> bool:
    """Whether it is snoozed, and was to come back by now; asked with the row locked."""
    row = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    over = row.snoozed_until is not None and row.snoozed_until <= timezone.now()
    return row.status == Conversation.Status.SNOOZED and over


def end_snoozes() -> int:
    """Conversations whose snooze is over come back as open; how many did. Two at once do no harm."""
    with every_organization("the beat ends the snoozes of all organizations"):
        over = Conversation.objects.filter(
            status=Conversation.Status.SNOOZED, snoozed_until__lte=timezone.now(), organization__is_active=True
        )
        due = list(over.select_related("organization", "customer", "channel").order_by("snoozed_until")[:SNOOZES])
    for conversation in due:
        with organization_scope(conversation.organization), transaction.atomic():
            # Somebody may have resolved it or put it off again in this moment.
            if is_snooze_over(conversation):
                set_status(conversation=conversation, status=Conversation.Status.OPEN, actor=SYSTEM)
    return len(due)


@transaction.atomic
def set_priority(*, conversation: Conversation, priority: str, actor: Actor) -> bool:
    """Set the priority; False where it is set already."""
    if Conversation.objects.filter(pk=conversation.pk).exclude(priority=priority).update(priority=priority) == 0:
        return False
    before, conversation.priority = conversation.priority, priority
    _record(events.CONVERSATION_UPDATED, conversation, actor, {"priority": {"from": before, "to": priority}})
    return True


def _record(event_type: str, conversation: Conversation, actor: Actor, payload: dict[str, object]) -> None:
    record(event_type, subject=conversation, actor=actor, payload={"conversation": str(conversation.pk), **payload})


def before_merge(loser: Customer, survivor: Customer) -> Mapping[UUID, Mapping[str, object]]:
    """Before a merge: where both have a thread on a channel, the one that moves gets the next number there."""
    highest = {
        row["channel_id"]: row["highest"]
        for row in Conversation.objects.filter(customer=survivor)
        .values("channel_id")
        .annotate(highest=Max("thread_number"))
    }
    # The last first: a number is free when it is taken.
    rows = Conversation.objects.filter(customer=loser, channel_id__in=highest).order_by("-thread_number")
    return {row.pk: {"thread_number": highest[row.channel_id] + row.thread_number} for row in rows}


def after_unmerge(loser: Customer, survivor: Customer) -> None:
    """After a merge was reverted: messages of the meantime stay with their thread."""
    Message.objects.filter(customer=survivor, conversation__customer=loser).update(customer=loser)
