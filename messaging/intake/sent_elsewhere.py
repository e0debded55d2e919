"""Messages that were sent from our number, but not by Parley: in the provider's console, or by another system.

They are added to the customer's thread; nobody becomes a customer by them.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from activity.actor import SYSTEM
from activity.ledger import record
from customers.models import Customer
from customers.people.identities import services as identities
from messaging import events
from messaging.channels.abilities import ListedMessage
from messaging.channels.text import clean
from messaging.costs import records as costs
from messaging.models import Channel, Message
from messaging.threads import services as conversations

_REACHED = (Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ)


def record_sent_elsewhere(*, channel: Channel, listed: ListedMessage) -> bool:
    """Add the message to its recipient's thread; False where they are unknown, or it may be a message of ours."""
    customer = _recipient(channel, listed)
    if customer is None or _may_be_own(channel, listed):
        return False
    status = Message.Status(listed.status) if listed.status else Message.Status.SENT
    try:
        with transaction.atomic():
            conversation = conversations.begin(customer=customer, channel=channel, address=listed.other)
            message = Message.objects.create(
                organization=conversation.organization,
                conversation=conversation,
                customer=customer,
                channel=channel,
                direction=Message.Direction.OUTBOUND,
                status=status,
                body=clean(listed.body),
                address=listed.other,
                origin=Message.Origin.ELSEWHERE,
                provider_message_id=listed.provider_message_id,
                error_code=listed.error_code[:32],
                created_at=listed.at,
                changed_at=timezone.now(),
                sent_at=listed.at if status in _REACHED else None,
            )
            conversations.record_outbound(conversation, message)
            if status in _REACHED:
                conversations.record_answer(conversation.pk, at=listed.at)
                costs.record_sent(message)
            payload = {"conversation": str(conversation.pk), "status": status, "elsewhere": True}
            record(events.MESSAGE_SENT, subject=message, actor=SYSTEM, payload=payload)
    except IntegrityError:  # it came in at this moment another way
        return False
    return True


def _recipient(channel: Channel, listed: ListedMessage) -> Customer | None:
    try:
        address = (
            identities.phone_or_sender_id(listed.other, organization=channel.organization)
            if listed.other.startswith("+")
            else identities.whatsapp_user(listed.other)
        )
    except identities.InvalidAddress:
        return None
    result = identities.find(organization=channel.organization, addresses=[address])
    if result is None or result.customer.is_deleted:
        return None
    return result.customer


def _may_be_own(channel: Channel, listed: ListedMessage) -> bool:
    """Whether a message of ours to them has no id of the provider's yet: that one is settled by asking about it."""
    open_ones = Message.objects.filter(
        channel=channel,
        direction=Message.Direction.OUTBOUND,
        address=listed.other,
        provider_message_id="",
        request_began_at__isnull=False,
        status__in=[Message.Status.SENDING, Message.Status.UNCONFIRMED],
    )
    return open_ones.exists() or _is_an_attempt(channel, listed)


def _is_an_attempt(channel: Channel, listed: ListedMessage) -> bool:
    """Whether it is an earlier attempt of a message that was sent again."""
    rows = Message.objects.filter(channel=channel, address=listed.other, direction=Message.Direction.OUTBOUND)
    recent = rows.filter(created_at__lte=listed.at).order_by("-created_at").values_list("extra", flat=True)[:200]
    return any(listed.provider_message_id in (extra or {}).get("earlier_ids", []) for extra in recent)
