"""The consent ledger: rows are added, never changed; the newest for a channel is in force."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Consent, Customer

# What a word for every channel is about.
KINDS = ("whatsapp", "sms", "email")
# The prefix of a refusal that a provider reported: the person has blocked the sender.
BY_PROVIDER = "the provider says so"


def newest(*, customer: Customer, channel: str) -> Consent | None:
    """The consent in force for messages on this channel kind: the newest row for it or for every channel."""
    return (
        Consent.objects.filter(customer=customer, purpose=Consent.Purpose.MESSAGES)
        .filter(Q(channel=channel) | Q(channel=""))
        .order_by("-created_at", "-id")
        .first()
    )


def word(*, customer: Customer, channel: str) -> bool | None:
    """Whether the customer consented to messages on this channel kind; None where there is no row."""
    result = newest(customer=customer, channel=channel)
    return result.is_granted if result is not None else None


def is_opted_out(*, customer: Customer, channel: str) -> bool:
    """Whether the customer wants no messages on this channel kind."""
    return word(customer=customer, channel=channel) is False


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
    """Record a consent or refusal on a channel kind ("" is every one); returns None, and writes no row, where that
    is so already."""
    # What is in force: a later word for every channel counts for this one too.
    latest = (
        Consent.objects.filter(customer=customer, purpose=purpose, channel__in={channel, ""})
        .order_by("-created_at", "-id")
        .first()
    )
    if latest is not None and latest.is_granted is is_granted:
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
    payload = {"channel": channel, "purpose": purpose, "is_granted": is_granted, "how": how}
    record(events.CONSENT_CHANGED, subject=customer, actor=actor, payload=payload)
    return row


def refused(*, customer: Customer) -> set[tuple[str, str]]:
    """The refused purposes and channel kinds; "" is every channel."""
    words: dict[tuple[str, str], bool] = {}
    for row in Consent.objects.filter(customer=customer).order_by("created_at", "id"):
        # A word for every channel counts for each of them.
        for channel in (row.channel,) if row.channel else ("", *KINDS):
            words[row.purpose, channel] = row.is_granted
    return {key for key, is_granted in words.items() if not is_granted}


def in_force(*, customer: Customer) -> list[Consent]:
    """The newest row for each channel and purpose."""
    words: dict[tuple[str, str], Consent] = {}
    for row in Consent.objects.filter(customer=customer).order_by("created_at", "id"):
        words[row.purpose, row.channel] = row
    return sorted(words.values(), key=lambda row: (row.purpose, row.channel))
