"""Addresses that take no mail: stopped by a hard bounce, open again when somebody says so or writes from them."""

from __future__ import annotations

from django.db import transaction

from activity.actor import SYSTEM, Actor
from activity.ledger import record
from messaging import events
from messaging.models import Conversation, Message, StoppedAddress


@transaction.atomic
def suppress(*, message: Message, address: str, code: str, reason: str) -> StoppedAddress:
    """Send nothing to this address any more; `message` is what could not be delivered."""
    row, is_new = StoppedAddress.objects.update_or_create(
        organization_id=message.organization_id,
        kind=message.channel.kind,
        address=address.lower()[:254],
        defaults={"code": code[:32], "reason": reason[:300], "message": message},
    )
    if is_new:
        payload = {"kind": row.kind, "code": row.code, "conversation": str(message.conversation_id)}
        record(events.ADDRESS_STOPPED, subject=message, actor=SYSTEM, payload=payload)
    return row


@transaction.atomic
def allow(*, conversation: Conversation, actor: Actor) -> bool:
    """Write to a conversation's address again, whatever bounced; False where nothing was stopped."""
    rows = StoppedAddress.objects.filter(kind=conversation.channel.kind, address=conversation.address.lower())
    if not rows.delete()[0]:
        return False
    payload = {"kind": conversation.channel.kind, "conversation": str(conversation.pk)}
    record(events.ADDRESS_ALLOWED, subject=conversation, actor=actor, payload=payload)
    return True


def lift_for_sender(message: Message) -> None:
    """Lift the suppression of an address that a mail came from."""
    rows = StoppedAddress.objects.filter(kind=message.channel.kind, address=message.address.lower())
    if rows.delete()[0]:
        payload = {"kind": message.channel.kind, "conversation": str(message.conversation_id)}
        record(events.ADDRESS_ALLOWED, subject=message.conversation, actor=SYSTEM, payload=payload)
