"""Rate cards: which row counts for a message, and how much of its free allowance is left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q
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

    @property
    def is_empty(self) -> bool:
        return not self._rows

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
    """How much of a rate's allowance a sender has used in a month."""
    rows = AllowanceUse.objects.filter(rate=rate, channel=channel_id, month=month)
    return rows.values_list("units", flat=True).first() or 0


def take_allowance(rate: RateCard, channel_id: UUID, month: date, units: int) -> int:
    """Use up what is left of the allowance for so many units; how many of them are free. In a transaction."""
    if not rate.free_allowance:
        return 0
    new = AllowanceUse(organization_id=rate.organization_id, rate=rate, channel_id=channel_id, month=month)
    AllowanceUse.objects.bulk_create([new], ignore_conflicts=True)
    rows = AllowanceUse.objects.filter(rate=rate, channel=channel_id, month=month)
    row = rows.select_for_update(of=("self",), no_key=True).get()
    free = min(units, max(rate.free_allowance - row.units, 0))
    if free:
        rows.update(units=row.units + free)
    return free


def give_back_allowance(rate: RateCard, channel_id: UUID, month: date, units: int) -> None:
    """What was taken is free again: the message cost nothing."""
    rows = AllowanceUse.objects.filter(rate=rate, channel=channel_id, month=month)
    row = rows.select_for_update(of=("self",), no_key=True).first()
    if row is not None and units:
        rows.update(units=max(row.units - units, 0))
