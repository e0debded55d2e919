"""What the messaging calls share: look-ups within reach, and refusals as the contract answers them."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from accounts.access.api import OrganizationView
from messaging.models import Conversation, Message


def visible_conversation(view: OrganizationView, pk: UUID) -> Conversation:
    """The conversation, if within the member's reach; 404 otherwise."""
    rows = Conversation.objects.visible_to(view.member).with_list_relations().select_related("organization")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such conversation.")
    return row


def visible_message(view: OrganizationView, pk: UUID) -> Message:
    """The outbound message, if within the member's reach; 404 otherwise."""
    rows = Message.objects.visible_to(view.member).outbound().with_thread_relations()
    row = rows.select_related("conversation__customer", "conversation__channel").filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such message.")
    return row
