"""The consent ledger: rows are added, never changed; the newest for a channel is in force."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Consent, Customer


def is_opted_out(*, customer: Customer, channel: str) -> bool:
    """Whether the customer wants no messages on this channel kind."""
    newest = (
        Consent.objects.filter(customer=customer, purpose=Consent.Purpose.MESSAGES)
        .filter(Q(channel=channel) | Q(channel=""))
        .order_by("-created_at", "-id")
        .values_list("is_granted", flat=True)
        .first()
    )
    return newest is False


@transaction.atomic
def change(
    *,
    customer: Customer,
    channel: str,
    is_granted: bool,
    how: str,
    actor: Actor,
    proof: str = "",
    purpose: str = Consent.Purpose.MESSAGES,
) -> Consent | None:
    """Write down what a customer allowed or forbade on a channel kind ("" is every one); None, and no row, where that
    is so already."""
    # What is in force: a later word for every channel counts for this one too.
    newest = (
        Consent.objects.filter(customer=customer, purpose=purpose, channel__in={channel, ""})
        .order_by("-created_at", "-id")
        .first()
    )
    if newest is not None and newest.is_granted is is_granted:
        return None
    row = Consent.objects.create(
        organization=customer.organization,
        customer=customer,
        channel=channel,
        purpose=purpose,
        is_granted=is_granted,
        how=how,
        proof=proof,
        actor_label=actor.label,
    )
    record(
        events.CONSENT_CHANGED,
        subject=customer,
        customer_id=customer.pk,
        actor=actor,
        payload={"channel": channel, "purpose": purpose, "is_granted": is_granted, "how": how},
    )
    return row


def in_force(*, customer: Customer) -> list[Consent]:
    """The newest word for each channel and purpose."""
    newest: dict[tuple[str, str], Consent] = {}
    for row in Consent.objects.filter(customer=customer).order_by("created_at", "id"):
        newest[row.purpose, row.channel] = row
    return sorted(newest.values(), key=lambda row: (row.purpose, row.channel))
