"""Showing a WhatsApp user that somebody writes."""

from __future__ import annotations

import re
from typing import Final

from messaging.channels.base import Account, Kind, Retry, SendError
from messaging.channels.twilio.account import client_for
from messaging.channels.twilio.calls import reading

SECONDS: Final = 3.0  # nobody waits longer for a sign that fades after 25 s by itself

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")


def show_typing(account: Account, provider_message_id: str) -> None:
    """Show the sender of this WhatsApp message that somebody writes, until the answer or for 25 s.

    Twilio marks the message as read with it. Does nothing on SMS. Raises SendError; nothing waits for it, so a caller
    may leave it at that.
    """
    if account.kind is not Kind.WHATSAPP:
        return
    if not _MESSAGE_SID.fullmatch(provider_message_id):
        detail = "Twilio shows typing only under a message that came through it."
        raise SendError("typing", detail, Retry.FIX)
    client = client_for(account, seconds=SECONDS)
    with reading():
        indicator = client.messaging.v2.typing_indicator.create(channel="whatsapp", message_id=provider_message_id)
    if indicator.success is False:
        raise SendError("typing", "WhatsApp did not show that somebody writes.", Retry.LATER)
