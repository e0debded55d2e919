"""Look-ups within reach for messaging's API."""

from __future__ import annotations

from uuid import UUID

from accounts.access.api import OrganizationView
from core.lookups import first_or_404
from messaging.models import Conversation, Message


def visible_conversation(view: OrganizationView, pk: UUID) -> Conversation:
    """The conversation, if within the member's reach; 404 otherwise."""
    rows = Conversation.objects.visible_to(view.member).with_list_relations().select_related("organization")
    return first_or_404(rows.filter(pk=pk), "There is no such conversation.")


def visible_message(view: OrganizationView, pk: UUID) -> Message:
    """The outbound message, if within the member's reach; 404 otherwise."""
    rows = Message.objects.visible_to(view.member).outbound().with_thread_relations()
    rows = rows.select_related("conversation__customer", "conversation__channel").filter(pk=pk)
    return first_or_404(rows, "There is no such message.")
