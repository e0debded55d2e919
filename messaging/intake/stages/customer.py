"""Find or make the customer: by the conversation that a mail answers, by an address, or as a new lead."""

from __future__ import annotations

from activity.actor import SYSTEM
from customers.data.deletion import services as deletion
from customers.people.customers import services as customers
from customers.people.identities.services import Address
from messaging.channels.base import Kind, ReceivedMessage
from messaging.intake import mail_references
from messaging.intake.stages.context import Inbound, Stage


def find_customer(inbound: Inbound) -> None:
    """The customer, locked until the transaction ends; one who was deleted comes back."""
    organization, received = inbound.channel.organization, inbound.received
    inbound.answered = mail_references.conversation_answered(organization, received, inbound.addresses)
    customer = None
    if inbound.answered is not None:
        customer = customers.lock(inbound.answered.customer, organization=organization)
    if customer is None:
        inbound.answered = None  # its customer was merged or erased in this moment: by the address, then
        customer, inbound.is_new_customer = customers.find_or_make(
            organization=organization,
            addresses=inbound.addresses,
            name=_name(received, inbound.addresses),
            source=_source(received),
            actor=SYSTEM,
            campaign=_campaign(received),
        )
    deletion.wake(customer=customer, actor=SYSTEM)
    inbound.customer = customer


STAGE = Stage(
    "customer",
    find_customer,
    reads=frozenset({"channel", "received", "addresses", "answered"}),
    adds=frozenset({"answered", "customer", "is_new_customer"}),
)


def _name(received: ReceivedMessage, addresses: list[Address]) -> str:
    if received.sender_name.strip():
        return " ".join(received.sender_name.split())[:200]
    label = {Kind.WHATSAPP: "WhatsApp", Kind.SMS: "SMS", Kind.EMAIL: "E-mail"}.get(received.kind, "Web")
    return f"{label} lead {addresses[0].value}"[:200]


def _source(received: ReceivedMessage) -> str:
    """Where a new lead came from: the advertisement's campaign where the message names one, else the channel."""
    referral = received.referral
    is_from_ad = referral.get("source_type") == "ad" or referral.get("ctwa_clid")
    return f"{received.kind}_ad" if is_from_ad else str(received.kind)


def _campaign(received: ReceivedMessage) -> str:
    """What the advertisement is called, with its number for whoever placed it; empty where there was none."""
    referral = received.referral
    title = " ".join((referral.get("headline") or referral.get("body") or referral.get("source_url") or "").split())
    number = referral.get("source_id", "")[:40]
    return f"{title[:150]} ({number})" if title and number else title[:150] or number
