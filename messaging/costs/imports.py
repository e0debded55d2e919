"""Rates from a table: a column for each field, or one price column for each category, as providers publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from activity.actor import Actor
from core.refused import Invalid
from customers.data.tables.limits import Limits
from customers.data.tables.reading import Table, open_table
from messaging.costs import services
from messaging.costs.billing import CATEGORIES
from messaging.costs.services import Values
from messaging.models import Category

MAX_BYTES: Final = 2_000_000
MAX_ROWS: Final = 5_000
MAX_PROBLEMS: Final = 20
# What a column may be called, without case, spaces and lines.
# The first that is there counts: codes before names of countries.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "channel_kind": ("channelkind", "channel", "kind"),
    "market": ("iso", "countrycode", "market", "country"),
    "category": ("category", "messagecategory"),
    "price": ("price", "rate", "cost", "amount"),
    "currency": ("currency", "priceunit"),
    "valid_from": ("validfrom", "from", "effectivedate", "startdate"),
    "free_allowance": ("freeallowance", "free", "allowance"),
}
_NUMBER: Final = re.compile(r"[0-9]{1,9}([.,][0-9]{1,12})?")
# A comma before three digits at the end may stand for a thousand.
_AMBIGUOUS: Final = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_BARE: Final = re.compile(r"[\s_\-]+")
# Cells that say that there is no price: the row has none of this category.
_NO_PRICE: Final = frozenset({"", "-", "n/a", "na"})
_ANY: Final = frozenset({"*", "other", "others", "any", "default"})


class InvalidTable(Invalid):
    """The table lacks a column, or rows of it can't be read; the text names them."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote."""

    created: int
    updated: int


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that don't say it themselves."""

    channel_kind: str
    currency: str
    valid_from: date


@transaction.atomic
def import_rates(*, organization: Organization, actor: Actor, file: IO[bytes], defaults: Defaults) -> Imported:
    """Write a CSV or XLSX; rates of the same channel, market, category and day are written over. All rows or none.

    Raises RefusedFile, InvalidTable, InvalidRate, TooManyRates.
    """
    table = open_table(file, Limits(MAX_BYTES, MAX_ROWS))
    columns = _columns(table)
    rows: list[Values] = []
    problems: list[str] = []
    for number, cells in table.rows():
        try:
            rows += _rates_of(columns, cells, defaults)
        except Invalid as error:
            problems.append(_("Row %(number)s, %(field)s: %(why)s") % {
                "number": number, "field": error.field, "why": error,
            })  # fmt: skip
            if len(problems) == MAX_PROBLEMS:
                break
    if problems:
        raise InvalidTable("file", " ".join([_("Nothing was imported."), *problems]))
    if not rows:
        raise InvalidTable("file", _("There is no price in this table."))
    created, updated = services.write_many(organization=organization, actor=actor, rows=rows)
    return Imported(created, updated)


@dataclass(frozen=True, slots=True)
class _Columns:
    """By field, the position of its column; `prices` are the positions of the columns of one category each."""

    fields: Mapping[str, int]
    prices: Mapping[str, int]


def _columns(table: Table) -> _Columns:
    bare = [_BARE.sub("", header).casefold() for header in table.headers]
    fields = {
        field: bare.index(next(name for name in names if name in bare))
        for field, names in _NAMES.items()
        if any(name in bare for name in names)
    }
    prices = {header: position for position, header in enumerate(bare) if header in Category.values}
    if "market" not in fields:
        raise InvalidTable("file", _("A column “market” is needed, with each country’s two letters, or *."))
    if "price" not in fields and not prices:
        names = ", ".join(Category.values)
        raise InvalidTable("file", _("A column “price” is needed, or one for each of: %(names)s.") % {"names": names})
    return _Columns(fields, {} if "price" in fields else prices)


def _rates_of(columns: _Columns, cells: list[str], defaults: Defaults) -> Iterator[Values]:
    def cell(field: str) -> str:
        return cells[columns.fields[field]].strip() if field in columns.fields else ""

    market = cell("market")
    common: Values = {
        "channel_kind": cell("channel_kind").lower() or defaults.channel_kind,
        "market": "*" if market.casefold() in _ANY else market,
        "currency": cell("currency") or defaults.currency,
        "valid_from": _day(cell("valid_from")) if cell("valid_from") else defaults.valid_from,
        "free_allowance": _whole(cell("free_allowance")) if cell("free_allowance") else 0,
    }
    prices = columns.prices or {cell("category").lower(): columns.fields["price"]}
    own = CATEGORIES.get(common["channel_kind"], ())
    for category, position in prices.items():
        text = cells[position].strip()
        if text.casefold() in _NO_PRICE or (columns.prices and category not in own):
            continue
        values: Values = {**common, "category": category, "price": _price(text)}
        services.require(values)
        yield values


def _price(text: str) -> Decimal:
    """With a point or a comma before the decimals; a currency sign in front is left out."""
    bare = text.lstrip("$€£ ")
    if not _NUMBER.fullmatch(bare):
        raise services.InvalidRate("price", _("“%(text)s” is no price. Write it as 0.0745.") % {"text": text[:40]})
    if _AMBIGUOUS.fullmatch(bare):
        why = _("“%(text)s” may be a thousand or more. Write decimals with a point.") % {"text": text[:40]}
        raise services.InvalidRate("price", why)
    return Decimal(bare.replace(",", "."))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        why = _("“%(text)s” is no day. Write it as 2026-10-01.") % {"text": text[:40]}
        raise services.InvalidRate("valid_from", why) from error


def _whole(text: str) -> int:
    bare = text.removesuffix(".0")
    if not (bare.isascii() and bare.isdigit() and len(bare) < 12):
        raise services.InvalidRate("free_allowance", _("“%(text)s” is no whole number.") % {"text": text[:40]})
    return int(bare)
