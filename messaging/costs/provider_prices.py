"""Reading back what a provider charged: each sent message is asked about until its price is known, or no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from activity.actor import SYSTEM, acting_as
from core import clock, queues
from core.claims import backoff, settle
from core.encryption import DecryptionFailed
from core.sweeps import sweep
from core.tenancy import organization_scope
from messaging.channels import registry
from messaging.channels.abilities import Price, ReportsPrices
from messaging.channels.base import Retry, SendError
from messaging.channels.text import clean
from messaging.costs import records
from messaging.models import MessageCost

LEASE: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(minutes=5)
# After the first look; later than that no provider says a price that it did not say before.
RETRIES: Final = [timedelta(minutes=30), timedelta(hours=3), timedelta(hours=12), timedelta(days=1), timedelta(days=2)]
_SECRETS: Final = "The channel’s secrets can’t be read. An administrator can put the key back."


def read_due() -> int:
    """Ask for every price that is due; how many were asked for."""
    return sweep(QUEUE)


def _due() -> QuerySet[MessageCost]:
    return MessageCost.objects.select_related("organization", "message__channel")


def _read(row: MessageCost) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        try:
            price = _price(row)
        except SendError as error:
            if error.retry == Retry.NEVER:
                settle(row, last_error="")
            else:
                _later(row, error.message)
        except DecryptionFailed:
            _later(row, _SECRETS)
        else:
            if price is None:
                _later(row, "")
            else:
                records.settle_price(row, amount=price.amount, currency=price.currency, units=price.units)


def _price(row: MessageCost) -> Price | None:
    message = row.message
    provider = registry.provider(message.channel.provider)
    if not isinstance(provider, ReportsPrices) or not message.provider_message_id:
        return None
    return provider.price_of(message.channel.as_account(), message.provider_message_id)


def _later(row: MessageCost, why: str) -> None:
    """Ask again by the schedule; after the last time the rate card's figure stays, or the cost stays unknown."""
    wait = backoff(row.attempts, RETRIES)
    if wait is None:
        settle(row, last_error="")
    else:
        settle(row, due_at=clock.now() + wait, last_error=clean(why)[:300])


def set_aside(row: MessageCost, reason: str) -> None:
    """Stop asking about a message."""
    settle(row, last_error=reason[:300])


QUEUE = queues.register(
    queues.Queue(
        name="prices",
        model=MessageCost,
        rows=_due,
        work=_read,
        set_aside=set_aside,
        why="prices of all organizations are asked for by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(MessageCost),
    )
)
