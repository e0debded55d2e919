"""Rate cards: which row counts for a message, and how much of its free allowance is left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from messaging.costs.billing import Billed
from messaging.models import ANY_MARKET, AllowanceUse, RateCard


class Rates:
    """The rows of an organization, or those of them that are asked for, looked up in one query."""

    def __init__(self, rows: Iterable[RateCard]) -> None:
        self._rows: dict[tuple[str, str, str], list[RateCard]] = {}
        for row in sorted(rows, key=lambda row: row.valid_from, reverse=True):
            self._rows.setdefault((row.channel_kind, row.market, row.category), []).append(row)

    @classmethod
    def load(cls, *, kind: str = "", market: str | None = None) -> Rates:
        """Those of the organization that is open; of one kind and one market, where they are named."""
        rows = RateCard.objects.order_by()
        if kind:
            rows = rows.filter(channel_kind=kind)
        if market is not None:
            rows = rows.filter(Q(market=market) | Q(market=ANY_MARKET))
        return cls(rows)

    def rate_for(self, billed: Billed, day: date) -> RateCard | None:
        """The row that counts on a day: the country's own before that of every other one, the category's own before
        that of every other one, and of those the newest that has begun. None where the cost is unknown."""
        for market in (billed.market, ANY_MARKET):
            for category in (billed.category, ""):
                for row in self._rows.get((billed.kind, market, category), ()):
                    if row.valid_from <= day:
                        return row
        return None


def day_of(moment: datetime, organization: Organization) -> date:
    """The day of a moment in the organization's time zone, by which rates count."""
    return timezone.localtime(moment, organization.zone).date()


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def used_units(rate: RateCard, channel_id: UUID, month: date) -> int:
    """How much of what is free by a rate its sender has used in a month."""
    return _uses(rate, channel_id, month).values_list("units", flat=True).first() or 0


def take_allowance(rate: RateCard, channel_id: UUID, month: date, units: int) -> tuple[AllowanceUse | None, int]:
    """Use up what is left of the allowance for so many units: the counter, and how many of them are free.

    In a transaction. Nothing is locked once the allowance is used up.
    """
    if not rate.free_allowance or used_units(rate, channel_id, month) >= rate.free_allowance:
        return None, 0
    new = AllowanceUse(
        organization_id=rate.organization_id, channel_id=channel_id, market=rate.market, category=rate.category,
        month=month,
    )  # fmt: skip
    AllowanceUse.objects.bulk_create([new], ignore_conflicts=True)
    rows = _uses(rate, channel_id, month)
    row = rows.select_for_update(of=("self",), no_key=True).get()
    free = min(units, max(rate.free_allowance - row.units, 0))
    if not free:
        return None, 0
    rows.update(units=row.units + free)
    return row, free


def give_back_allowance(use: AllowanceUse, units: int) -> None:
    """What was taken is free again: the message cost nothing. In a transaction."""
    rows = AllowanceUse.objects.filter(pk=use.pk)
    row = rows.select_for_update(of=("self",), no_key=True).first()
    if row is not None and units:
        rows.update(units=max(row.units - units, 0))


def _uses(rate: RateCard, channel_id: UUID, month: date) -> QuerySet[AllowanceUse]:
    return AllowanceUse.objects.filter(channel=channel_id, market=rate.market, category=rate.category, month=month)
