"""Rate cards: rows typed in, changed, deleted and imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypedDict, cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.grants import lock
from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core import phones
from core.refused import Invalid, Refused
from messaging import events
from messaging.costs.billing import CATEGORIES
from messaging.models import ANY_MARKET, RateCard

# Of an organization: every country, four categories, some years.
MAX_RATES: Final = 20_000
MAX_PRICE: Final = Decimal(100_000)
MAX_ALLOWANCE: Final = 10_000_000
DECIMALS: Final = 6
EARLIEST: Final = date(2015, 1, 1)
LATEST: Final = date(2100, 1, 1)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
FIELDS: Final = ("channel_kind", "market", "category", "price", "currency", "valid_from", "free_allowance")
# What makes a rate the one that it is; of each there is one a day.
KEY: Final = ("channel_kind", "market", "category", "valid_from")


class Values(TypedDict, total=False):
    """What can be set, as it is stored."""

    channel_kind: str
    market: str
    category: str
    price: Decimal
    currency: str
    valid_from: date
    free_allowance: int


class InvalidRate(Invalid):
    """A value that a rate can't have."""


class RateExists(Refused):
    """There is a rate for the same channel, market, category and day."""

    status, field = 409, "valid_from"

    def __init__(self) -> None:
        super().__init__(_("There is a rate for this from that day on. Change that one, or choose another day."))


class TooManyRates(Refused):
    """More rows than one organization may have."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s rates already. Delete old ones first.") % {"count": MAX_RATES})


@transaction.atomic
def create(*, organization: Organization, actor: Actor, values: Values) -> RateCard:
    """A new rate. Raises InvalidRate, RateExists, TooManyRates."""
    lock(organization)
    if RateCard.objects.count() >= MAX_RATES:
        raise TooManyRates
    rate = RateCard(organization=organization)
    _set(rate, values)
    _require_own_day(rate)
    rate.save(force_insert=True)
    record(events.RATE_CARD_CREATED, subject=rate, actor=actor, payload={"rate": label(rate)})
    return rate


@transaction.atomic
def update(*, rate: RateCard, actor: Actor, changes: Values) -> RateCard:
    """Change a rate. What messages cost that were sent by it stays as it is. Raises InvalidRate, RateExists."""
    lock(rate.organization)
    current = RateCard.objects.select_related("organization").get(pk=rate.pk)
    before, name = _picture(current), label(current)
    _set(current, changes)
    _require_own_day(current)
    after = _picture(current)
    changed = {name: {"from": before[name], "to": after[name]} for name in after if after[name] != before[name]}
    if changed:
        current.updated_at = timezone.now()
        current.save()
        payload = {"rate": name, "changes": changed}
        record(events.RATE_CARD_CHANGED, subject=current, actor=actor, payload=payload)
    return current


@transaction.atomic
def delete(*, rate: RateCard, actor: Actor) -> None:
    """Delete a rate. What messages cost that were sent by it stays as it is."""
    lock(rate.organization)
    if not RateCard.objects.filter(pk=rate.pk).exists():
        return
    record(events.RATE_CARD_DELETED, subject=rate, actor=actor, payload={"rate": label(rate)})
    rate.delete()


@transaction.atomic
def write_many(*, organization: Organization, actor: Actor, rows: Iterable[Values]) -> tuple[int, int]:
    """Add rates, and write over those of the same channel, market, category and day; how many were new, and changed.

    All or none. Raises InvalidRate, TooManyRates.
    """
    lock(organization)
    known = {_key(rate): rate for rate in RateCard.objects.all()}
    created: dict[tuple[object, ...], RateCard] = {}
    updated: dict[tuple[object, ...], RateCard] = {}
    for values in rows:
        rate = RateCard(organization=organization)
        _set(rate, values)
        key = _key(rate)
        existing = known.get(key)
        if existing is None:
            created[key] = rate
        elif _picture(existing) != _picture(rate):
            existing.price, existing.currency, existing.free_allowance = rate.price, rate.currency, rate.free_allowance
            existing.updated_at = timezone.now()
            updated[key] = existing
    if len(known) + len(created) > MAX_RATES:
        raise TooManyRates
    RateCard.objects.bulk_create(created.values(), batch_size=500)
    fields = ["price", "currency", "free_allowance", "updated_at"]
    RateCard.objects.bulk_update(updated.values(), fields, batch_size=500)
    if created or updated:
        payload = {"created": len(created), "updated": len(updated)}
        record(
            events.RATE_CARDS_IMPORTED, subject=organization, organization=organization, actor=actor, payload=payload
        )
    return len(created), len(updated)


def require(values: Values) -> None:
    """Check the values of a new rate, and write nothing. Raises InvalidRate."""
    _set(RateCard(), values)


def label(rate: RateCard) -> str:
    """The rate in a few words, for the audit log."""
    parts = (rate.channel_kind, rate.market, rate.category, f"{rate.price:f} {rate.currency}", f"{rate.valid_from}")
    return " · ".join(part for part in parts if part)


def _set(rate: RateCard, values: Values) -> None:
    for name in FIELDS:
        if name in values:
            setattr(rate, name, cast("Mapping[str, object]", values)[name])
    rate.market, rate.currency = rate.market.upper(), rate.currency.upper()
    if rate.channel_kind not in CATEGORIES:
        kinds = ", ".join(CATEGORIES)
        raise InvalidRate("channel_kind", _("Use one of these: %(kinds)s.") % {"kinds": kinds})
    if rate.market != ANY_MARKET and rate.market not in phones.countries():
        raise InvalidRate("market", _("Use a country’s two letters, such as GB, or * for every other one."))
    if rate.category and rate.category not in CATEGORIES[rate.channel_kind]:
        names = ", ".join(CATEGORIES[rate.channel_kind])
        raise InvalidRate("category", _("Use one of these, or none: %(names)s.") % {"names": names})
    rate.price = _price(rate.price)
    if not _CURRENCY.fullmatch(rate.currency):
        raise InvalidRate("currency", _("Three letters, such as GBP."))
    if rate.valid_from is None or not EARLIEST <= rate.valid_from < LATEST:
        raise InvalidRate("valid_from", _("Choose a day after 2014."))
    if not 0 <= rate.free_allowance <= MAX_ALLOWANCE:
        raise InvalidRate("free_allowance", _("A whole number from 0 to %(most)s.") % {"most": f"{MAX_ALLOWANCE:,}"})


def _price(value: Decimal | None) -> Decimal:
    if value is None or not value.is_finite() or not 0 <= value <= MAX_PRICE:
        raise InvalidRate("price", _("A price is a number from 0 to %(most)s.") % {"most": MAX_PRICE})
    if -int(cast("int", value.normalize().as_tuple().exponent)) > DECIMALS:
        raise InvalidRate("price", _("At most %(count)s digits after the point.") % {"count": DECIMALS})
    return value.quantize(Decimal(1).scaleb(-DECIMALS))


def _require_own_day(rate: RateCard) -> None:
    same = {name: getattr(rate, name) for name in KEY}
    if RateCard.objects.filter(**same).exclude(pk=rate.pk).exists():
        raise RateExists


def _key(rate: RateCard) -> tuple[object, ...]:
    return tuple(getattr(rate, name) for name in KEY)


def _picture(rate: RateCard) -> dict[str, str]:
    return {name: str(getattr(rate, name)) for name in FIELDS}
