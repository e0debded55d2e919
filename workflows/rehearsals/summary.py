"""The figures of a rehearsal in words, and by day as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messaging.costs import words as costs
from messaging.costs.estimates import Totals
from workflows.models import Rehearsal, RehearsedEvent
from workflows.rehearsals.following import Ending
from workflows.rules.planning import Reason
from workflows.rules.words import CAUSES, Words

OUTCOMES: Final[Mapping[str, str | Promise]] = {
    RehearsedEvent.Outcome.ACTED: gettext_lazy("Would have acted"),
    RehearsedEvent.Outcome.ENDED: gettext_lazy("Would have been stopped"),
    RehearsedEvent.Outcome.WAITING: gettext_lazy("Would still wait"),
    RehearsedEvent.Outcome.NOTHING: gettext_lazy("Would have done nothing"),
}
NOT_MATCHED: Final[Mapping[str, str | Promise]] = {
    Reason.CONDITIONS: gettext_lazy("Conditions did not hold"),
    Reason.HOURS: gettext_lazy("At other hours"),
    Reason.ONCE: gettext_lazy("Had acted before"),
    Reason.OWN_EVENT: gettext_lazy("Its own doing"),
    Reason.DEPTH: gettext_lazy("Caused by too many rules"),
}
ENDINGS: Final[Mapping[str, str | Promise]] = {
    **{str(cause): words for cause, words in CAUSES.items()},
    Ending.TIMEOUT: gettext_lazy("what it waited for did not come in time"),
    Ending.CONDITIONS: gettext_lazy("its conditions did not hold any more"),
    Ending.FAILED: gettext_lazy("an action would have failed"),
}
# A rehearsal's totals, as they are stored.
Figures = Mapping[str, Any]
# The drawing's own units; the style sheet says how large it is shown.
WIDTH: Final = 480
HEIGHT: Final = 96
MAX_BARS: Final = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """Some days together, mostly one: how many events, and on how many the rule would have acted."""

    begin: date
    end: date
    events: int
    matched: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Days:
    """The bars of the days of a span. `top`: the number that is as high as the drawing."""

    bars: tuple[Bar, ...]
    top: int
    width: int = WIDTH
    height: int = HEIGHT


def summary(totals: Figures, speak: Words) -> list[str]:
    """What it comes to, a sentence each."""
    lines = []
    for name, counts in totals["actions"].items():
        label = speak.action({"action": name})
        done = counts.get("done", 0)
        times = ngettext("%(count)d time", "%(count)d times", done) % {"count": done}
        line = _("%(action)s: %(times)s") % {"action": label, "times": times}
        if skipped := counts.get("skipped", 0):
            line += " " + ngettext("(%(count)d left out)", "(%(count)d left out)", skipped) % {"count": skipped}
        if failed := counts.get("failed", 0):
            line += " " + ngettext("(%(count)d failed)", "(%(count)d failed)", failed) % {"count": failed}
        lines.append(line)
    if cost := _cost(totals):
        lines.append(_("The messages would have cost %(cost)s") % {"cost": cost})
    for name, count in totals["ended_by"].items():
        text = ngettext(
            "Stopped on the way %(count)d time because %(why)s",
            "Stopped on the way %(count)d times because %(why)s",
            count,
        )
        lines.append(text % {"count": count, "why": ENDINGS.get(name, name)})
    return lines


def _cost(totals: Figures) -> str:
    """What the messages would have cost; empty for none."""
    amounts = {currency: Decimal(amount) for currency, amount in totals["cost"].items()}
    return costs.totals(Totals(totals["cost_unknown"], amounts))


def shown_days(rehearsal: Rehearsal) -> Days:
    """A bar for each day, or for some days together where there are many."""
    by_day = rehearsal.totals["by_day"]
    first, last = timezone.localdate(rehearsal.since), timezone.localdate(rehearsal.until)
    count = (last - first).days + 1
    step = -(-count // MAX_BARS)
    groups = [
        [first + timedelta(days=day) for day in range(begin, min(begin + step, count))]
        for begin in range(0, count, step)
    ]
    figures = [
        (days, *(sum(by_day.get(day.isoformat(), {}).get(name, 0) for day in days) for name in ("events", "matched")))
        for days in groups
    ]
    top = max((matched for _days, _events, matched in figures), default=0)
    width = WIDTH / max(len(figures), 1)
    bars = tuple(
        Bar(
            days[0], days[-1], events, matched, x=number * width, width=width * 0.8,
            y=HEIGHT - (HEIGHT * matched / top if top else 0), height=HEIGHT * matched / top if top else 0,
        )
        for number, (days, events, matched) in enumerate(figures)
    )  # fmt: skip
    return Days(bars, top)
