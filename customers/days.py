"""Days, as the organization lives them: where they begin, nine in the morning, when something comes again.

A day is not 24 hours where clocks change; nothing here adds hours to get to another day. A time that a spring night
skips is the same distance after the change (02:30 becomes 03:30), one that an autumn night has twice is its first.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dateutil.relativedelta import relativedelta
from django.utils import timezone

MORNING = time(9)
_SATURDAY = 5


def today(zone: tzinfo) -> date:
    """The day that it is there now."""
    return timezone.now().astimezone(zone).date()


def at(day: date, clock: time, zone: tzinfo) -> datetime:
    """The moment at which the clocks there show this on that day, in UTC: so moments compare and subtract right."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day; later than midnight where the clocks skip it."""
    return at(day, time(), zone)


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """From the day's first moment to the next day's first."""
    return start_of(day, zone), start_of(day + timedelta(days=1), zone)


def next_working_day(day: date) -> date:
    """The next day from Monday to Friday after this one."""
    following = day + timedelta(days=1)
    while following.weekday() >= _SATURDAY:
        following += timedelta(days=1)
    return following


def next_due(
    due_at: datetime, *, unit: str, every: int, zone: tzinfo, after: datetime, day_of_month: int | None = None
) -> datetime:
    """When what is due at `due_at` comes again: the first time in its rhythm later than `after` and itself.

    `unit` is a Task.Repeat; `day_of_month` is the day that is meant where a month was too short for it (the 31st).
    The clock there shows the same at every one. ValueError for an unknown unit, OverflowError where the calendar ends
    before.
    """
    local = due_at.astimezone(zone)
    clock, day = local.time(), local.date()
    target_day = day_of_month or day.day
    later_than = max(due_at, after)
    # A rhythm of days that was forgotten for years is not walked through one by one.
    behind = (later_than.astimezone(zone).date() - day).days
    if unit in ("day", "week"):
        length = every * (7 if unit == "week" else 1)
        day += timedelta(days=max(behind // length, 0) * length)
    elif unit not in ("weekday", "month", "year"):
        raise ValueError(f"“{unit}” is no rhythm.")
    moment = at(day, clock, zone)
    while moment <= later_than:
        day = _step(day, unit, every, target_day)
        moment = at(day, clock, zone)
    return moment


def _step(day: date, unit: str, every: int, day_of_month: int) -> date:
    if unit == "day":
        return day + timedelta(days=every)
    if unit == "week":
        return day + timedelta(weeks=every)
    if unit == "weekday":
        for _ in range(every):
            day = next_working_day(day)
        return day
    step = relativedelta(months=every) if unit == "month" else relativedelta(years=every)
    try:
        following = day.replace(day=1) + step
    except ValueError as error:  # as relativedelta says that a year is too large
        raise OverflowError(str(error)) from error
    return following.replace(day=min(day_of_month, calendar.monthrange(following.year, following.month)[1]))


# A clock that is a little ahead is no plan.
CLOCK_TOLERANCE = timedelta(days=1)


def in_words(day: date, today: date) -> str:
    """Such as Monday 3 March; with its year where that is another than today's."""
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"


def nearby(day: date, today: date) -> str:
    """`today` or `tomorrow` inside a sentence; empty for another day."""
    return {0: "today", 1: "tomorrow"}.get((day - today).days, "")


def heading(day: date, today: date) -> str:
    """Above the rows of a day: Today, Tomorrow or Yesterday before the day in words."""
    name = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((day - today).days)
    return f"{name} · {in_words(day, today)}" if name else in_words(day, today)
