"""Cancel what waits: messages that were to go out only if the customer stays silent, and all of them after a STOP."""

from __future__ import annotations

from activity.actor import SYSTEM
from messaging.channels.base import ReceivedMessage
from messaging.delivery import queue as outbound
from messaging.intake import mail_references, optout
from messaging.intake.stages.context import Inbound, Stage


def cancel_waiting(inbound: Inbound) -> None:
    """Before the conversation is locked: whoever cancels a message by hand takes the two in this order as well.

    What no person wrote cancels nothing and is never a STOP.
    """
    if inbound.is_automatic:
        return
    received = inbound.received
    opt_word = optout.meaning(_text(received), provider_word=received.opt_out)
    if opt_word == "START" and mail_references.is_stranger(inbound.answered, inbound.addresses):
        opt_word = ""  # whoever else has a mail of the thread can end it for the customer, but not begin it again
    inbound.opt_word = opt_word
    outbound.cancel_waiting_for_silence(customer=inbound.customer, actor=SYSTEM)
    if opt_word == "STOP":
        outbound.cancel_on_opt_out(customer=inbound.customer, channel_kind=inbound.channel.kind, actor=SYSTEM)


STAGE = Stage(
    "waiting",
    cancel_waiting,
    reads=frozenset({"channel", "received", "is_automatic", "answered", "addresses", "customer"}),
    adds=frozenset({"opt_word"}),
)


def _text(received: ReceivedMessage) -> str:
    """What is looked at for STOP: the text; of an e-mail without one its subject, as unsubscribing by mail has it."""
    return received.body if received.body.strip() else received.subject
