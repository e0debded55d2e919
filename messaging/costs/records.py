"""What sent messages cost: by the rate card when the provider takes one, by its own price once it says it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from core import clock
from core.claims import released, settle
from messaging.channels import registry
from messaging.channels.abilities import ReportsPrices
from messaging.costs import rates
from messaging.costs.billing import billed_of
from messaging.costs.rates import Rates
from messaging.models import Message, MessageCost

# A provider knows its price some time after it sent the message.
FIRST_LOOK: Final = timedelta(minutes=10)
REACHED: Final = (Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ)
_WRITTEN: Final = ["category", "market", "units", "amount", "currency", "source", "rate", "free_units", "last_error"]


def record_sent(message: Message) -> None:
    """Write what a message costs that the provider took just now, by the rate card; unknown where there is no rate.

    In the transaction that writes the message as sent. Its provider is asked for its own price later, where it says
    one. Of a message that is sent again, the last attempt counts.
    """
    write([message], known=Rates.load(kind=message.channel.kind))


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
        units=billed.units, due_at=_first_look(message) if asks_provider else None, created_at=at,
    )  # fmt: skip
    day = rates.day_of(at, message.organization)
    rate = known.rate_for(billed, day)
    if rate is not None:
        free = rates.take_allowance(rate, message.channel_id, rates.month_of(day), billed.units)
        row.rate, row.free_units = rate, free
        row.amount, row.currency = rate.price * (billed.units - free), rate.currency
        row.source = MessageCost.Source.RATE_CARD
    return row


def _first_look(message: Message) -> datetime | None:
    provider = registry.provider(message.channel.provider)
    return clock.now() + FIRST_LOOK if isinstance(provider, ReportsPrices) else None


def record_failed(message: Message) -> None:
    """A message that the provider had taken was not delivered: where only what is delivered is billed, it costs
    nothing, and uses up no allowance. In the transaction that writes it as failed."""
    if not message.channel.capabilities.bills_delivered:
        return
    row = MessageCost.objects.select_related("rate").filter(message=message).first()
    if row is None:
        return
    if row.rate is not None and row.free_units:
        day = rates.day_of(row.created_at, message.organization)
        rates.give_back_allowance(row.rate, message.channel_id, rates.month_of(day), row.free_units)
    row.delete()


def settle_price(row: MessageCost, *, amount: Decimal, currency: str, units: int | None) -> bool:
    """Write a provider's own price in place of the rate card's, and end the claim; False where it was lost."""
    source = MessageCost.Source.PROVIDER
    return settle(row, amount=amount, currency=currency, source=source, units=units or row.units, last_error="")
