"""Conversations, for the explanation of who sees them."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.explanations import subjects
from accounts.explanations.subjects import Reasons, Subject
from accounts.models import Member
from core.lines import Line
from customers.models import reasons
from messaging.models import Conversation


def register() -> None:
    subjects.register(
        Subject(
            "conversation", "conversations", _("Conversations"), Conversation.objects.visible_to, _reasons, _line,
            relations=("organization", "channel", "customer__assigned_to"),
        )
    )  # fmt: skip


def _reasons(row: Conversation, members: Sequence[Member]) -> Reasons:
    return reasons.of_customer(row.customer, members)


def _line(row: Conversation) -> Line:
    page = reverse("messaging:conversation", args=[row.organization.slug, row.pk])
    return Line(row.customer.code, f"{row.customer.name} · {row.channel.name}", page)
