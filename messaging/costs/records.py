"""What sent messages cost: by the rate card when the provider takes one, by its own price once it says it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import DatabaseError, transaction

from core import clock
from core.claims import released, settle
from messaging.channels import registry
from messaging.channels.abilities import ReportsPrices
from messaging.costs import rates
from messaging.costs.billing import billed_of
from messaging.costs.rates import Rates
from messaging.models import Message, MessageCost

logger = logging.getLogger(__name__)

# A provider knows its price some time after it sent the message.
FIRST_LOOK: Final = timedelta(minutes=10)
TOO_OLD: Final = timedelta(days=4)
REACHED: Final = (Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ)
_WRITTEN: Final = [
    "category",
    "market",
    "units",
    "amount",
    "currency",
    "source",
    "allowance",
    "free_units",
    "last_error",
]


def record_sent(message: Message) -> None:
    """Write what a message costs that the provider took just now, by the rate card; unknown where there is no rate.

    In the transaction that writes the message as sent, which never fails by it. Its provider is asked for its own price
    later, where it says one. Of a message that is sent again, the last attempt counts.
    """
    try:
        with transaction.atomic():
            billed = billed_of(message)
            write([message], known=Rates.load(kind=billed.kind, market=billed.market))
    except DatabaseError:
        # That the message left is worth more than what it cost.
        logger.exception("cost_not_recorded", extra={"message_id": str(message.pk)})


def write(messages: Sequence[Message], *, known: Rates, asks_provider: bool = True) -> list[MessageCost]:
    """The costs of sent messages of one organization by these rates, written over what was there. In a transaction."""
    rows = [_row(message, known, asks_provider=asks_provider) for message in messages]
    fields = [*_WRITTEN, *(["due_at", "attempts", *released()] if asks_provider else [])]
    MessageCost.objects.bulk_create(rows, update_conflicts=True, unique_fields=["message"], update_fields=fields)
    return rows


def _row(message: Message, known: Rates, *, asks_provider: bool) -> MessageCost:
    billed = billed_of(message)
    at = message.sent_at or clock.now()
    row = MessageCost(
        organization_id=message.organization_id, message=message, category=billed.category, market=billed.market,
        units=billed.units, due_at=_first_look(message, at) if asks_provider else None, created_at=at,
    )  # fmt: skip
    day = rates.day_of(at, message.organization)
    rate = known.rate_for(billed, day)
    if rate is not None:
        row.allowance, row.free_units = rates.take_allowance(
            rate, message.channel_id, rates.month_of(day), billed.units
        )
        row.amount, row.currency = rate.price * (billed.units - row.free_units), rate.currency
        row.source = MessageCost.Source.RATE_CARD
    return row


def _first_look(message: Message, sent_at: datetime) -> datetime | None:
    """Of what was sent long ago a provider has said its price, or never will."""
    provider = registry.provider(message.channel.provider)
    if not isinstance(provider, ReportsPrices) or sent_at < clock.now() - TOO_OLD:
        return None
    return clock.now() + FIRST_LOOK


def record_failed(message: Message) -> None:
    """A message that the provider had taken was not delivered: where only what is delivered is billed, it costs
    nothing, and uses up no allowance. What the provider itself said stays. In the transaction that writes it so."""
    if message.channel.capabilities.bills_delivered:
        _give_back(message, amount=Decimal(0))


def withdraw(message: Message) -> None:
    """Nobody knows any more whether the message left: its cost is written once that is known. In a transaction."""
    _give_back(message, amount=None)


def _give_back(message: Message, *, amount: Decimal | None) -> None:
    rows = MessageCost.objects.select_related("allowance").filter(message=message)
    row = rows.exclude(source=MessageCost.Source.PROVIDER).first()
    if row is None:
        return
    if row.allowance is not None and row.free_units:
        rates.give_back_allowance(row.allowance, row.free_units)
    if amount is None or row.amount is None:
        row.delete()
    else:
        rows.update(amount=amount, allowance=None, free_units=0)


def settle_price(row: MessageCost, *, amount: Decimal, currency: str, units: int | None) -> bool:
    """Write a provider's own price in place of the rate card's, and end the claim; False where it was lost."""
    source = MessageCost.Source.PROVIDER
    return settle(row, amount=amount, currency=currency, source=source, units=units or row.units, last_error="")
