"""What Twilio charged for a message, as its record says once it is billed."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from messaging.channels.abilities import Price
from messaging.channels.base import Account, Retry, SendError
from messaging.channels.twilio.account import client_for
from messaging.channels.twilio.calls import complete, reading

MAX_PRICE: Final = Decimal(1_000_000)
_MESSAGE_SID: Final = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")


def price_of(account: Account, provider_message_id: str) -> Price | None:
    """The price without its sign: Twilio writes what it takes as a negative number. None until the message is billed.

    Raises SendError, also for a price that is none.
    """
    if not _MESSAGE_SID.fullmatch(provider_message_id):
        raise SendError("price", "Twilio knows the price only of a message that it has an id for.", Retry.NEVER)
    client = client_for(account)
    with reading():
        record = complete(client.messages(provider_message_id).fetch())
        if record.price is None:
            return None
        return Price(_amount(record.price), _currency(record.price_unit), _segments(record.num_segments))


def _amount(text: object) -> Decimal:
    try:
        amount = abs(Decimal(str(text)))
    except InvalidOperation as error:
        raise ValueError("The price is no number.") from error
    if not amount.is_finite() or amount > MAX_PRICE:
        raise ValueError("The price is no amount of money.")
    return amount.quantize(Decimal("0.000001"))


def _currency(text: object) -> str:
    if not isinstance(text, str) or not _CURRENCY.fullmatch(text):
        raise ValueError("The price has no currency.")
    return text.upper()


def _segments(text: object) -> int | None:
    """A message through a messaging service has 0 at first."""
    number = str(text or "")
    return int(number) if number.isascii() and number.isdigit() and 0 < int(number) < 1000 else None
