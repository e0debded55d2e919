"""The palette's source of messaging: conversations, by their customer."""

from __future__ import annotations

from django.urls import reverse

from accounts.frame import palette
from accounts.frame.palette import SHOWN, Asked, Result, Source
from accounts.models import Member
from customers.models.querysets import matching
from messaging.models import Conversation


def register() -> None:
    palette.register(Source("conversations", "Conversations", "conversations.view", find_conversations, 20))


def find_conversations(member: Member, query: Asked) -> list[Result]:
    """Conversations of matching customers, latest first; none without a text."""
    if not query.text:
        return []
    rows = Conversation.objects.visible_to(member).filter(matching(query.text, "customer"))
    return [
        Result(
            row.customer.name,
            reverse("messaging:conversation", args=[member.organization.slug, row.pk]),
            " · ".join(part for part in (row.channel.name, row.last_message_preview[:60]) if part),
            "message-circle",
        )
        for row in rows.select_related("customer", "channel").order_by("-last_message_at", "-id")[:SHOWN]
    ]
