"""Where answers to a customer's mails go: to where they write from, or to where their mail asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from activity.actor import Actor
from activity.ledger import record
from messaging import events
from messaging.channels.base import Kind
from messaging.models import Conversation, Message


@dataclass(frozen=True, slots=True)
class Choice:
    """Two addresses of one person: `current` is written to, `other` could be."""

    current: str
    other: str
    is_at_sender: bool  # whether `current` is where they write from


def subqueries() -> dict[str, Subquery]:
    """Annotations for a query of conversations, so that `choice` needs no query."""
    newest = _questions().filter(conversation=OuterRef("pk"))
    return {
        "asking_sender": Subquery(newest.values("address")[:1]),
        "asked_for_address": Subquery(newest.values("mail__reply_to")[:1]),
    }


def _questions() -> QuerySet[Message]:
    """The mails with another address for answers, newest first."""
    mails = Message.objects.filter(direction=Message.Direction.INBOUND, mail__reply_to__gt="")
    return mails.order_by("-created_at", "-id")


def choice(conversation: Conversation) -> Choice | None:
    """The choice in a conversation; None where its mails ask for no other address, or the address is a third one."""
    if conversation.channel.kind != Kind.EMAIL:
        return None
    known = vars(conversation)
    if "asking_sender" in known:
        newest = (known["asking_sender"], known["asked_for_address"])
    else:
        newest = _questions().filter(conversation=conversation).values_list("address", "mail__reply_to").first() or (
            "",
            "",
        )
    sender, reply_to = (newest[0] or "").lower(), newest[1]
    if not reply_to:
        return None
    if conversation.address.lower() == reply_to:
        return Choice(reply_to, sender, is_at_sender=False)
    return Choice(sender, reply_to, is_at_sender=True) if conversation.address.lower() == sender else None


@transaction.atomic
def choose(*, conversation: Conversation, address: str, actor: Actor) -> bool:
    """Send answers to this address of the two from now on; False where it is neither, and nothing changes."""
    current_choice = choice(conversation)
    if current_choice is None or address not in (current_choice.current, current_choice.other):
        return False
    if address == current_choice.current:
        return True
    changes = {"address": address, "is_answered_at_sender": not current_choice.is_at_sender}
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    for name, value in changes.items():
        setattr(conversation, name, value)
    payload = {"conversation": str(conversation.pk), "is_answered_at_sender": not current_choice.is_at_sender}
    record(events.CONVERSATION_UPDATED, subject=conversation, actor=actor, payload=payload)
    return True
