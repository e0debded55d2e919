"""Find the conversation, and lock it: two messages of one person may be worked on at once."""

from __future__ import annotations

from messaging.intake import mail_references
from messaging.intake.stages.context import Inbound, Stage
from messaging.threads import services as conversations


def find_conversation(inbound: Inbound) -> None:
    """The conversation that the mail answers, or the customer's on this channel, made where there is none."""
    if inbound.answered is not None:
        conversation = conversations.lock(inbound.answered, customer=inbound.customer)
    else:
        conversation = conversations.begin_locked(
            customer=inbound.customer, channel=inbound.channel, address=inbound.addresses[0].value
        )
    mail_references.follow_address(conversation, inbound.received, inbound.addresses)
    inbound.conversation = conversation


STAGE = Stage(
    "conversation",
    find_conversation,
    reads=frozenset({"answered", "customer", "channel", "addresses", "received"}),
    adds=frozenset({"conversation"}),
)
