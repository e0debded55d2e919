"""Report the message: one event in the ledger, from which everything else follows."""

from __future__ import annotations

from activity.actor import SYSTEM
from activity.ledger import record
from messaging import events
from messaging.intake.stages.context import Inbound, Stage


def report(inbound: Inbound) -> None:
    record(
        events.MESSAGE_RECEIVED,
        subject=inbound.message,
        organization=inbound.channel.organization,
        actor=SYSTEM,
        payload={
            "conversation": str(inbound.conversation.pk),
            "channel": inbound.channel.kind,
            "channel_id": str(inbound.channel.pk),
            "is_new_customer": inbound.is_new_customer,
            "is_automatic": inbound.is_automatic,
            "opt": inbound.opt_word,
        },
    )


STAGE = Stage(
    "report",
    report,
    reads=frozenset({"message", "channel", "conversation", "is_new_customer", "is_automatic", "opt_word"}),
)
