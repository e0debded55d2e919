"""Presence: showing the other side that somebody writes, or has read a message.

Nothing of this is stored or retried: late presence would be wrong.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from activity.actor import SYSTEM, acting_as
from core.encryption import DecryptionFailed
from core.jobs import wake_up
from core.tenancy import every_organization, organization_scope
from messaging.channels import registry
from messaging.channels.abilities import ShowsPresence
from messaging.channels.base import SendError
from messaging.models import Conversation, Message

logger = logging.getLogger(__name__)

TYPING: Final = "messaging.tasks.show_typing"
READ: Final = "messaging.tasks.send_read_receipt"
# WhatsApp shows it for 25 seconds; more often than this is noise.
EVERY_SECONDS: Final = 20
# Whoever wrote so long ago does not look at the phone.
FRESH = timedelta(hours=24)


def typing(conversation: Conversation) -> bool:
    """Show that somebody writes in this conversation; False where the channel can't show it."""
    if not conversation.channel.capabilities.has_typing or not _can_show(conversation) or refuses(conversation):
        return False
    # One in 20 seconds, however many of us type.
    if cache.add(f"typing:{conversation.pk}", "1", EVERY_SECONDS):
        wake_up(TYPING, conversation=str(conversation.pk))
    return True


def read(conversation: Conversation) -> None:
    """Send a read receipt for the conversation, where the channel can."""
    if conversation.channel.capabilities.has_read_receipts and _can_show(conversation) and not refuses(conversation):
        wake_up(READ, conversation=str(conversation.pk))


def refuses(conversation: Conversation) -> bool:
    """Whether the organization has switched presence off for this channel."""
    return conversation.channel.settings.get("signs", True) is False


def show_typing(conversation_id: str) -> None:
    _show(UUID(conversation_id), is_typing=True)


def report_read(conversation_id: str) -> None:
    _show(UUID(conversation_id), is_typing=False)


def _can_show(conversation: Conversation) -> bool:
    provider = registry.provider(conversation.channel.provider)
    inbound_at = conversation.last_inbound_at
    return isinstance(provider, ShowsPresence) and inbound_at is not None and inbound_at > timezone.now() - FRESH


def _show(pk: UUID, *, is_typing: bool) -> None:
    with every_organization("the ring names the conversation"):
        conversation = Conversation.objects.select_related("organization", "channel", "customer").filter(pk=pk).first()
    if conversation is None or conversation.customer.do_not_contact or not conversation.channel.is_enabled:
        return
    with organization_scope(conversation.organization), acting_as(SYSTEM):
        rows = Message.objects.filter(conversation=conversation, direction=Message.Direction.INBOUND)
        last = rows.exclude(provider_message_id="").order_by("-created_at", "-id").first()
        provider = registry.provider(conversation.channel.provider)
        if last is None or not isinstance(provider, ShowsPresence):
            return
        try:
            account = conversation.channel.as_account()
            act = provider.show_typing if is_typing else provider.mark_read
            act(account, last.provider_message_id)
        except (SendError, DecryptionFailed) as error:
            logger.info("sign_not_shown", extra={"conversation_id": str(pk), "reason": str(error)[:200]})
