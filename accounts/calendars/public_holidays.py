"""Public holidays of a country and region, by the package `holidays`.

The package is loaded when it is first needed, and of it only the countries that are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext as _

from core.refused import Invalid

# Where a word begins in a name that is written as one: UnitedKingdom.
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class UnknownPlace(Invalid):
    """A country or region that the package does not know."""


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """What each country is called in English, by its two letters, in the order of the names."""
    from holidays.registry import COUNTRIES

    names = {codes[1]: _WORDS.sub(" ", codes[0]) for codes in COUNTRIES.values() if len(codes[1]) == 2}
    return dict(sorted(names.items(), key=lambda item: item[1]))


@lru_cache(maxsize=32)
def regions(country: str) -> Mapping[str, str]:
    """What each region of a country with holidays of its own is called, by its code; the code itself for some."""
    if country not in countries():
        return {}
    import holidays

    there = type(holidays.country_holidays(country))
    # Of several names the first is the usual one.
    names = {code: name for name, code in reversed(list(getattr(there, "subdivisions_aliases", {}).items()))}
    return {code: names.get(code, code) for code in there.subdivisions}


def require_place(country: str, region: str) -> None:
    """Raises UnknownPlace, with the field, for what has no holidays here; no country is one as well."""
    if not country:
        if region:
            raise UnknownPlace("holidays.region", _("A region needs its country."))
        return
    if country not in countries():
        raise UnknownPlace("holidays.country", _("No holidays are known for it. Use two letters, such as GB."))
    if region and region not in regions(country):
        known = ", ".join(regions(country)) or _("none")
        raise UnknownPlace("holidays.region", _("No region of %(country)s. Use one of: %(known)s.") % {
            "country": country, "known": known,
        })  # fmt: skip


@lru_cache(maxsize=512)
def holidays_of(country: str, region: str, year: int) -> Mapping[date, str]:
    """The holidays of a year by their day, with what they are called there; none without a country."""
    if not country:
        return {}
    import holidays

    return dict(holidays.country_holidays(country, subdiv=region or None, years=[year], expand=False).items())


def holiday_on(country: str, region: str, day: date) -> str:
    """What the day's holiday is called; empty where it is none."""
    return holidays_of(country, region, day.year).get(day, "")
