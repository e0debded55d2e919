"""Opening hours as they are stored, sent and typed, into intervals and back.

Stored and sent: `{"monday": [{"start": "09:00", "end": "12:30"}], …}`, closed is an empty list or missing.
Exceptions are a list of `{"date": "2026-12-24", "name": "Christmas Eve", "intervals": […]}`. Typed: `9-12:30, 14-18`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.calendars.hours import MINUTES_A_DAY, ExceptionDay, Interval, clock
from core.refused import Invalid

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_NAMES = dict(
    zip(
        DAYS,
        (
            gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
            gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
        ),
        strict=True,
    )
)  # fmt: skip
MAX_INTERVALS = 6
MAX_EXCEPTIONS = 400
MAX_TYPED = 200

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_TYPED = re.compile(rf"\s*{_TIME.pattern}\s*(?:-|–|—|to)\s*{_TIME.pattern}\s*")


class Hours(TypedDict):
    start: str
    end: str


class StoredException(TypedDict):
    date: str
    name: str
    intervals: list[Hours]


class InvalidHours(Invalid):
    """Opening hours that can't be: `field` names the day or the part."""


def intervals_of(rows: Sequence[Hours], *, field: str) -> tuple[Interval, ...]:
    """Stored or sent intervals, in order. Raises InvalidHours."""
    return _checked([(_minutes(row["start"], field), _minutes(row["end"], field)) for row in rows], field)


def typed_intervals(text: str, *, field: str) -> tuple[Interval, ...]:
    """What a person typed: `9-12:30, 14-18`; nothing is closed. Raises InvalidHours."""
    if not text.strip():
        return ()
    pairs: list[tuple[int, int]] = []
    for part in text[:MAX_TYPED].split(","):
        match = _TYPED.fullmatch(part)
        if match is None:
            raise InvalidHours(field, _("Write hours such as 9:00–12:30, 14:00–18:00; leave it empty for closed."))
        hours = match.groups()
        pairs.append((_of_day(hours[0], hours[1], field), _of_day(hours[2], hours[3], field)))
    return _checked(pairs, field)


def as_text(intervals: Iterable[Interval]) -> str:
    """The intervals as a person types them."""
    return ", ".join(str(interval) for interval in intervals)


def as_stored(intervals: Iterable[Interval]) -> list[Hours]:
    return [{"start": clock(interval.start), "end": clock(interval.end)} for interval in intervals]


def week_of(weekly: Mapping[str, Sequence[Hours]]) -> list[tuple[Interval, ...]]:
    """The stored week, from Monday on. Raises InvalidHours for hours that can't be."""
    return [intervals_of(weekly.get(day, ()), field=f"weekly.{day}") for day in DAYS]


def exceptions_of(rows: Iterable[StoredException]) -> dict[date, ExceptionDay]:
    """The stored exceptions by their date."""
    return {
        date.fromisoformat(row["date"]): ExceptionDay(intervals_of(row["intervals"], field="exceptions"), row["name"])
        for row in rows
    }


def _checked(pairs: Sequence[tuple[int, int]], field: str) -> tuple[Interval, ...]:
    if len(pairs) > MAX_INTERVALS:
        raise InvalidHours(field, _("A day has at most %(count)s intervals.") % {"count": MAX_INTERVALS})
    intervals: list[Interval] = []
    for start, end in sorted(pairs):
        if start >= end:
            raise InvalidHours(
                field,
                _("%(start)s is not before %(end)s. Hours over midnight stand on both days: until 24:00, from 0:00.")
                % {"start": clock(start), "end": clock(end)},
            )
        if intervals and start < intervals[-1].end:
            raise InvalidHours(field, _("The intervals of a day can’t overlap."))
        intervals.append(Interval(start, end))
    return tuple(intervals)


def _minutes(text: str, field: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise InvalidHours(field, _("A time is written 09:00."))
    return _of_day(match[1], match[2], field)


def _of_day(hours: str, minutes: str | None, field: str) -> int:
    total = int(hours) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or total > MINUTES_A_DAY:
        raise InvalidHours(field, _("A day goes from 0:00 to 24:00."))
    return total
