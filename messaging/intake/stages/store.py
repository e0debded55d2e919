"""Store the message with its files, and bring its conversation up to date."""

from __future__ import annotations

from typing import Final

from activity.actor import SYSTEM
from customers.people.customers import services as customers
from messaging.channels.base import ReceivedMail, ReceivedMessage
from messaging.delivery import suppressions
from messaging.intake import received_files
from messaging.intake.mail_references import MAX_REFERENCES
from messaging.intake.stages.context import Inbound, Stage
from messaging.intake.stages.repeat import provider_id
from messaging.intake.stages.sender import MAX_ADDRESS
from messaging.models import Conversation, MailDetails, Message
from messaging.threads import services as conversations

MAX_RECIPIENTS: Final = 100


def store_message(inbound: Inbound) -> None:
    """What no person wrote opens nothing again and waits for no answer."""
    conversation, received = inbound.conversation, inbound.received
    extra: dict[str, object] = dict(received.extra)
    quoted = _quoted(conversation, received)
    if received.reply_to and quoted is None:
        extra["reply_to"] = received.reply_to
    if count := received_files.count(received):
        extra["media_count"] = count
    message = Message(
        organization_id=conversation.organization_id,
        conversation=conversation,
        customer=inbound.customer,
        channel=conversation.channel,
        direction=Message.Direction.INBOUND,
        status=Message.Status.RECEIVED,
        subject=received.subject[:500],
        body=received.body,
        address=(received.sender or received.sender_user_id)[:MAX_ADDRESS],
        reply_to=quoted,
        provider_message_id=provider_id(received),
        location=_location(received),
        button=dict(received.button) or None,
        referral=dict(received.referral) or None,
        extra=extra,
        created_at=inbound.received_at,
        changed_at=inbound.received_at,
        sent_at=received.sent_at,
    )
    message.save(force_insert=True)
    received_files.store(message, received)
    if received.mail is not None:
        _store_details(message, received.mail)
    conversations.record_inbound(conversation, message, actor=SYSTEM, is_automatic=inbound.is_automatic)
    customers.touch(customer=inbound.customer, at=message.created_at)
    inbound.message = message


STAGE = Stage(
    "store",
    store_message,
    reads=frozenset({"conversation", "received", "received_at", "customer", "is_automatic"}),
    adds=frozenset({"message"}),
)


def _quoted(conversation: Conversation, received: ReceivedMessage) -> Message | None:
    """The message that it quotes, of the same customer only: whoever sees this thread need not see another's."""
    if not received.reply_to:
        return None
    quoted: Message | None = Message.objects.filter(
        channel=conversation.channel, customer=conversation.customer, provider_message_id=received.reply_to
    ).first()
    return quoted


def _location(received: ReceivedMessage) -> dict[str, object] | None:
    location = received.location
    if location is None:
        return None
    return {
        "latitude": location.latitude,
        "longitude": location.longitude,
        "label": location.label,
        "address": location.address,
    }


def _store_details(message: Message, mail: ReceivedMail) -> None:
    """Keep what an e-mail has beyond its message; the address that it came from takes mail."""
    suppressions.lift_for_sender(message)
    MailDetails.objects.create(
        organization_id=message.organization_id,
        message=message,
        html=mail.html,
        folded=mail.folded,
        to=list(mail.to)[:MAX_RECIPIENTS],
        cc=list(mail.cc)[:MAX_RECIPIENTS],
        references=[*mail.references, *[one for one in mail.in_reply_to if one not in mail.references]][
            -MAX_REFERENCES:
        ],
        reply_to=mail.reply_to[:MAX_ADDRESS],
        automatic=mail.automatic[:60],
        digest=mail.digest,
    )
