"""Conversations that nobody answered in the time that the organization set, and leads that were not for days."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Organization
from customers.models import Stage
from customers.people.settings import services as customer_settings
from customers.work.deadlines import each_organization, record_range
from messaging import events
from messaging.models import Conversation


def record_stalled() -> int:
    """Record every lead that became stalled, once for each unanswered message; returns how many."""
    return each_organization(_of)


def record_unanswered() -> int:
    """Record every conversation that waited too long, once for each unanswered message; returns how many."""
    return each_organization(_unanswered_of)


def _unanswered_of(organization: Organization, now: datetime) -> int:
    minutes = customer_settings.of(organization).unanswered_minutes
    rows = Conversation.objects.waiting().filter(customer__deleted_at__isnull=True).select_related("customer")
    return record_range(
        rows, "waiting_since", events.CONVERSATION_UNANSWERED, _conversation_payload, organization=organization,
        now=now, back=timedelta(minutes=minutes),
    )  # fmt: skip


def _conversation_payload(conversation: Conversation) -> dict[str, object]:
    return {"conversation": str(conversation.pk), "waiting_since": conversation.waiting_since}


def _of(organization: Organization, now: datetime) -> int:
    days = customer_settings.of(organization).stalled_days
    rows = Conversation.objects.waiting().filter(
        customer__deleted_at__isnull=True, customer__stage__kind=Stage.Kind.OPEN
    )
    return record_range(
        rows.select_related("customer"), "waiting_since", events.LEAD_STALLED, _payload, organization=organization,
        now=now, back=timedelta(days=days),
    )  # fmt: skip


def _payload(conversation: Conversation) -> dict[str, object]:
    owner = conversation.customer.assigned_to_id
    return {"waiting_since": conversation.waiting_since, "assigned_to": str(owner) if owner else None}
