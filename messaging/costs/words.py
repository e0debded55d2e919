"""Costs in words for people: an amount, an estimate, the sum of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import money
from messaging.channels.base import Kind
from messaging.costs.estimates import Estimate, Totals
from messaging.models import ANY_MARKET

CHANNELS: Final[Mapping[str, object]] = {
    Kind.WHATSAPP: "WhatsApp",
    Kind.SMS: gettext_lazy("SMS"),
    Kind.EMAIL: gettext_lazy("E-mail"),
}
CATEGORIES: Final[Mapping[str, object]] = {
    "service": gettext_lazy("service"),
    "utility": gettext_lazy("utility"),
    "marketing": gettext_lazy("marketing"),
    "authentication": gettext_lazy("authentication"),
    "sms": gettext_lazy("SMS"),
    "mms": gettext_lazy("MMS"),
    "email": gettext_lazy("e-mail"),
}


def estimate(value: Estimate) -> str:
    """What one message would cost, for the place where it is written; empty where there is nothing to say."""
    parts = []
    billed = value.billed
    if billed.kind == Kind.SMS and billed.category == "sms":
        parts.append(ngettext("%(count)d segment", "%(count)d segments", billed.units) % {"count": billed.units})
    if value.amount is None:
        parts.append(_("cost unknown") if value.is_of_interest else "")
    elif value.free_units == billed.units:
        parts.append(_("free by the monthly allowance"))
    else:
        parts.append(_("about %(amount)s") % {"amount": money.written(value.amount, value.currency)})
    return " · ".join(part for part in parts if part)


def reason(value: Estimate) -> str:
    """Why a cost is unknown, and what to do; or by which rate it is known."""
    billed = value.billed
    channel = CHANNELS.get(billed.kind, billed.kind)
    market = billed.market or _("an unknown country")
    if value.amount is None:
        category = f" ({CATEGORIES[billed.category]})" if billed.category in CATEGORIES else ""
        return _("No rate for %(channel)s to %(market)s%(category)s. It is added under Settings → Rate cards.") % {
            "channel": channel, "market": market, "category": category,
        }  # fmt: skip
    rate = value.rate
    return _("By the rate card: %(channel)s to %(market)s, %(category)s.") % {
        "channel": channel,
        "market": _("other countries") if rate is not None and rate.market == ANY_MARKET else market,
        "category": CATEGORIES.get(billed.category, _("every category")),
    }


def totals(value: Totals) -> str:
    """What many messages cost together, the unknown ones counted apart; empty for none."""
    parts = [money.written(value.amounts[currency], currency) for currency in sorted(value.amounts)]
    if value.unknown:
        text = ngettext("%(count)s of unknown cost", "%(count)s of unknown cost", value.unknown)
        parts.append(text % {"count": f"{value.unknown:,}"})
    return " + ".join(parts)
