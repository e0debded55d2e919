"""What messages would cost, before anything is spent: by the rate cards and what is left of their allowances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from accounts.models import Organization
from core import clock
from messaging.channels.base import Kind
from messaging.costs import rates
from messaging.costs.billing import Billed, billed_of
from messaging.costs.rates import Rates
from messaging.models import Message, RateCard


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one message would cost. `amount` is None where it is unknown, which is never zero."""

    billed: Billed
    amount: Decimal | None = None
    currency: str = ""
    rate: RateCard | None = None
    free_units: int = 0

    @property
    def is_of_interest(self) -> bool:
        """False for a mail without a rate: nobody is billed for mail by the message unless a rate says so."""
        return self.amount is not None or self.billed.kind != Kind.EMAIL


class Estimator:
    """Estimates for one organization, which is open. `load` asks once for all rates, and once for each allowance."""

    def __init__(self, organization: Organization, known: Rates | None = None) -> None:
        self._organization = organization
        self._rates = Rates.load() if known is None else known
        self._used: dict[tuple[str, str, UUID, date], int] = {}

    def estimate(self, billed: Billed, *, channel_id: UUID, at: datetime | None = None) -> Estimate:
        """What the message would cost; what is left of an allowance stays as it is."""
        return self._estimate(billed, channel_id, at, is_spent=False)

    def spend(self, billed: Billed, *, channel_id: UUID, at: datetime | None = None) -> Estimate:
        """The same for one of many: the next one finds less of the allowance. Nothing is written."""
        return self._estimate(billed, channel_id, at, is_spent=True)

    def _estimate(self, billed: Billed, channel_id: UUID, at: datetime | None, *, is_spent: bool) -> Estimate:
        day = rates.day_of(at or clock.now(), self._organization)
        rate = self._rates.rate_for(billed, day)
        if rate is None:
            return Estimate(billed)
        free = 0
        if rate.free_allowance:
            month = rates.month_of(day)
            key = (rate.market, rate.category, channel_id, month)
            used = self._used.get(key)
            if used is None:
                used = self._used[key] = rates.used_units(rate, channel_id, month)
            free = min(billed.units, max(rate.free_allowance - used, 0))
            if is_spent:
                self._used[key] = used + free
        return Estimate(billed, rate.price * (billed.units - free), rate.currency, rate, free)


class Prices:
    """What messages cost outside of any allowance, for one organization; the rates are asked for once."""

    def __init__(self, organization: Organization, known: Rates | None = None) -> None:
        self._organization = organization
        self._rates = Rates.load() if known is None else known

    def price(self, billed: Billed, *, at: datetime | None = None) -> Estimate:
        """By the rate of the day."""
        rate = self._rates.rate_for(billed, rates.day_of(at or clock.now(), self._organization))
        if rate is None:
            return Estimate(billed)
        return Estimate(billed, rate.price * billed.units, rate.currency, rate)


def list_price(billed: Billed, organization: Organization) -> Estimate:
    """What a message costs now outside of any allowance. One query."""
    return Prices(organization, Rates.load(kind=billed.kind, market=billed.market)).price(billed)


@dataclass(frozen=True, slots=True)
class Totals:
    """What many messages cost together: a sum for each currency, and how many nobody knows the cost of."""

    unknown: int
    amounts: Mapping[str, Decimal]


def expected(messages: Iterable[Message], organization: Organization) -> dict[UUID, Estimate]:
    """What queued messages of the organization will cost, by their ids: those that are due first use up what is free.

    One query for the rates, and one for each allowance. Reads of each message its channel and template.
    """
    rows = sorted(messages, key=lambda message: (message.due_at or clock.now(), message.pk))
    estimator = Estimator(organization)
    return {row.pk: estimator.spend(billed_of(row), channel_id=row.channel_id, at=row.due_at) for row in rows}
