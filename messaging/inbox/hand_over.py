"""What of messaging is a person's, for a hand-over: conversations, by their customers; queued messages; templates."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from accounts.hand_over import parts
from accounts.hand_over.parts import Handing, Part
from accounts.models import User
from core.lines import Line
from customers.page.hand_over import CUSTOMERS
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Message, Template
from messaging.texts.templates import services as templates

REASON = "its author left"


def register() -> None:
    parts.register(
        Part(
            "conversations", _("Conversations"), 12, "conversations.edit", "conversations.view",
            conversations_of, Conversation.objects.visible_to, _conversation_line,
            goes_with=CUSTOMERS, along=_conversations_along,
            relations=("organization", "customer", "channel"),
        )
    )  # fmt: skip
    parts.register(
        Part(
            "queued_messages", _("Messages waiting to be sent"), 50, "conversations.edit", "conversations.view",
            messages_of, Message.objects.visible_to, _message_line, give=give_message, end=cancel_message,
            relations=("organization", "customer", "conversation"),
        )
    )  # fmt: skip
    parts.register(
        Part(
            "templates", _("Templates of their own or a team"), 70, "templates.edit", "templates.view",
            templates_of, Template.objects.visible_to, _template_line, give=give_template,
        )
    )  # fmt: skip


def conversations_of(user: User) -> QuerySet[Conversation]:
    """A conversation is whose its customer is."""
    return Conversation.objects.filter(customer__assigned_to=user, customer__deleted_at__isnull=True)


def messages_of(user: User) -> QuerySet[Message]:
    return outbound.waiting_of(user).filter(customer__deleted_at__isnull=True)


def templates_of(user: User) -> QuerySet[Template]:
    """What is not everybody's anyway: nobody else would see it, or only a team."""
    return Template.objects.filter(created_by=user).exclude(sharing=Template.Sharing.EVERYBODY).order_by()


def give_message(row: Message, handing: Handing) -> bool:
    return outbound.give(message=row, before=handing.leaver, author=handing.successor, actor=handing.actor)


def cancel_message(row: Message, handing: Handing) -> bool:
    """Raises NotPossible for one that is being sent."""
    if not messages_of(handing.leaver).filter(pk=row.pk).exists():
        return False
    outbound.cancel(message=row, actor=handing.actor, reason=REASON)
    return True


def give_template(row: Template, handing: Handing) -> bool:
    return templates.give(template=row, before=handing.leaver, author=handing.successor, actor=handing.actor)


def _conversations_along(ids: Collection[UUID]) -> QuerySet[Conversation]:
    return Conversation.objects.filter(customer__in=ids).order_by("pk")


def _conversation_line(row: Conversation) -> Line:
    page = reverse("messaging:conversation", args=[row.organization.slug, row.pk])
    return Line(row.customer.code, f"{row.customer.name} · {row.channel.name}", page)


def _message_line(row: Message) -> Line:
    page = reverse("messaging:conversation", args=[row.organization.slug, row.conversation_id])
    return Line(row.customer.code, f"{row.customer.name}: {Truncator(row.subject or row.body).chars(60)}", page)


def _template_line(row: Template) -> Line:
    return Line(row.key, row.name, reverse("messaging:edit_template", args=[row.organization.slug, row.pk]))
