"""The home page's sections of messaging: unanswered conversations, and deliveries that were set aside."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.frame import home
from accounts.frame.home import Row, Scope, Section, Urgency
from accounts.models import Member
from core.optional import not_none
from core.templatetags.ui import since
from messaging.channels import kinds
from messaging.models import Arrival, Conversation
from messaging.threads.queries import set_aside_for

# A reply window that closes within that time comes before everything else.
CLOSES_SOON = timedelta(hours=4)
LATE_AFTER = timedelta(hours=1)
KINDS_WITH_WINDOW = [kind for kind in (kinds.WHATSAPP, kinds.SMS, kinds.EMAIL) if kind.reply_window]


def register() -> None:
    home.register(
        Section(
            "unanswered", "Unanswered", "message-circle", "conversations.view", 10, unanswered, show,
            lambda member, scope: reverse("messaging:inbox", args=[member.organization.slug]) + "?filter=waiting",
            "Everybody has an answer.",
        )
    )  # fmt: skip
    home.register(
        Section(
            "set_aside", "Could not be read", "triangle-alert", "channels.edit", 5, set_aside, show_set_aside,
            lambda member, scope: reverse("messaging:channels", args=[member.organization.slug]), "", is_trouble=True,
        )
    )  # fmt: skip


def set_aside(member: Member, scope: Scope) -> QuerySet[Arrival]:
    """Inbound deliveries that could not be processed, newest first."""
    return set_aside_for(member).select_related("channel").defer("body").order_by("-received_at", "-id")


def show_set_aside(member: Member, arrival: Arrival) -> Row:
    channel = not_none(arrival.channel)
    return Row(
        title=_("%(channel)s: a message could not be read") % {"channel": channel.name},
        url=reverse("messaging:catch_up", args=[member.organization.slug, channel.pk]),
        detail=" ".join(arrival.last_error.split())[:120],
        at=arrival.received_at,
        urgency=Urgency.LATE,
        about=f"set-aside:{channel.pk}",
        mark=_("since %(time)s") % {"time": since(arrival.received_at)},
        action=_("Look"),
    )


def unanswered(member: Member, scope: Scope) -> QuerySet[Conversation]:
    """Unanswered conversations: those whose reply window closes soon first, then the longest wait."""
    rows = Conversation.objects.visible_to(member).waiting()
    if scope == Scope.MINE:
        rows = rows.of_member(member)
    now = timezone.now()
    closing = Q(pk__in=[])
    for kind in KINDS_WITH_WINDOW:
        closes_from = now - not_none(kind.reply_window)
        closing |= Q(
            channel__kind=kind.kind, last_inbound_at__gt=closes_from, last_inbound_at__lt=closes_from + CLOSES_SOON
        )
    first = Case(When(closing, then=Value(0)), default=Value(1), output_field=IntegerField())
    return rows.select_related("customer__assigned_to", "channel").order_by(first, "waiting_since", "id")


def show(member: Member, conversation: Conversation) -> Row:
    now, at = timezone.now(), conversation.waiting_since
    waits = at or conversation.last_message_at
    closes = conversation.window_expires_at
    is_closing = closes is not None and now < closes < now + CLOSES_SOON
    urgency = Urgency.CLOSING if is_closing else Urgency.LATE if now - waits > LATE_AFTER else Urgency.TODAY
    owner = conversation.customer.assigned_to
    parts = [
        conversation.channel.name,
        " ".join(conversation.last_message_preview.split())[:80],
        owner.get_short_name() if owner is not None and owner.pk != member.user_id else "",
    ]
    return Row(
        title=conversation.customer.name,
        url=reverse("messaging:conversation", args=[member.organization.slug, conversation.pk]),
        detail=" · ".join(part for part in parts if part),
        at=closes if is_closing and closes is not None else waits,
        urgency=urgency,
        about=str(conversation.customer_id),
        person=conversation.customer.name,
        key=str(conversation.customer_id),
        mark=f"closes {timezone.localtime(closes):%H:%M}" if is_closing and closes else f"waits {since(waits)}",
        action="Answer",
    )
