"""Days and rhythms across changes of clocks and in zones far apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from customers import days

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
AUCKLAND, LOS_ANGELES = ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Los_Angeles")
# Its clocks change at midnight: the day begins at one.
SANTIAGO = ZoneInfo("America/Santiago")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "start", "hours"),
    [
        ("2026-03-29", LONDON, "2026-03-29T00:00", 23),
        ("2026-10-25", LONDON, "2026-10-24T23:00", 25),
        ("2026-11-01", NEW_YORK, "2026-11-01T04:00", 25),
        ("2026-03-08", LOS_ANGELES, "2026-03-08T08:00", 23),
        ("2026-04-05", AUCKLAND, "2026-04-04T11:00", 25),
        ("2026-09-06", SANTIAGO, "2026-09-06T04:00", 23),
        ("2026-06-01", LONDON, "2026-05-31T23:00", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day, zone, start, hours):
    first, end = days.bounds(date.fromisoformat(day), zone)
    assert first == utc(start)
    assert end - first == timedelta(hours=hours)


def test_an_hour_that_is_skipped_is_after_the_change_and_one_that_comes_twice_is_its_first():
    assert days.at(date(2026, 3, 29), time(1, 30), LONDON) == utc("2026-03-29T01:30")
    assert days.at(date(2026, 3, 29), time(1, 30), LONDON).astimezone(LONDON).time() == time(2, 30)
    assert days.at(date(2026, 10, 25), time(1, 30), LONDON) == utc("2026-10-25T00:30")
    assert days.at(date(2026, 3, 8), time(2, 30), NEW_YORK) == utc("2026-03-08T07:30")


@pytest.mark.parametrize(
    ("zone", "due", "after", "expected"),
    [
        (LONDON, "2026-03-28T09:00", "2026-03-28T10:00", "2026-03-29T08:00"),
        (LONDON, "2026-10-24T08:00", "2026-10-24T09:00", "2026-10-25T09:00"),
        (NEW_YORK, "2026-03-07T14:00", "2026-03-07T15:00", "2026-03-08T13:00"),
        (NEW_YORK, "2026-10-31T13:00", "2026-10-31T14:00", "2026-11-01T14:00"),
    ],
)
def test_nine_in_the_morning_stays_nine_in_the_morning(zone, due, after, expected):
    found = days.next_due(utc(due), unit="day", every=1, zone=zone, after=utc(after))
    assert (found, found.astimezone(zone).time()) == (utc(expected), time(9))


@pytest.mark.parametrize(
    ("unit", "every", "due", "after", "expected"),
    [
        ("day", 3, "2026-06-01", "2026-06-01", "2026-06-04"),
        ("day", 3, "2020-01-01", "2026-06-01", "2026-06-04"),
        ("week", 2, "2026-06-01", "2026-06-20", "2026-06-29"),
        ("weekday", 1, "2026-06-05", "2026-06-05", "2026-06-08"),
        ("weekday", 3, "2026-06-04", "2026-06-04", "2026-06-09"),
        ("month", 1, "2026-01-31", "2026-01-31", "2026-02-28"),
        ("month", 1, "2026-06-15", "2026-09-20", "2026-10-15"),
        ("year", 1, "2028-02-29", "2028-03-01", "2029-02-28"),
        # Done before it was due: the next is after the one that was done.
        ("week", 1, "2026-06-08", "2026-06-05", "2026-06-15"),
    ],
)
def test_a_rhythm_goes_on_after_what_was_done(unit, every, due, after, expected):
    noon = time(12)
    found = days.next_due(
        days.at(date.fromisoformat(due), noon, LONDON), unit=unit, every=every, zone=LONDON,
        after=days.at(date.fromisoformat(after), time(13), LONDON),
    )  # fmt: skip
    assert found == days.at(date.fromisoformat(expected), noon, LONDON)


def test_the_end_of_the_month_is_meant_again_after_a_short_one():
    february = days.at(date(2026, 2, 28), time(12), LONDON)
    found = days.next_due(february, unit="month", every=1, zone=LONDON, after=february, day_of_month=31)
    assert found.date() == date(2026, 3, 31)


def test_a_rhythm_that_is_none_is_refused():
    with pytest.raises(ValueError, match="fortnight"):
        days.next_due(utc("2026-01-01T09:00"), unit="fortnight", every=1, zone=LONDON, after=utc("2026-01-01T09:00"))


@pytest.mark.parametrize(("day", "expected"), [("2026-06-05", "2026-06-08"), ("2026-06-03", "2026-06-04")])
def test_the_next_working_day(day, expected):
    assert days.next_working_day(date.fromisoformat(day)) == date.fromisoformat(expected)


def test_today_is_another_day_elsewhere():
    with time_machine.travel(utc("2026-06-01T11:30"), tick=False):
        assert days.today(AUCKLAND) == date(2026, 6, 1)
        assert days.today(LOS_ANGELES) == date(2026, 6, 1)
    with time_machine.travel(utc("2026-06-01T12:30"), tick=False):
        assert days.today(AUCKLAND) == date(2026, 6, 2)
    with time_machine.travel(utc("2026-06-01T06:30"), tick=False):
        assert days.today(LOS_ANGELES) == date(2026, 5, 31)


@pytest.mark.parametrize(
    ("day", "words", "nearby", "heading"),
    [
        (date(2026, 3, 30), "Monday 30 March", "", "Yesterday · Monday 30 March"),
        (date(2026, 3, 31), "Tuesday 31 March", "today", "Today · Tuesday 31 March"),
        (date(2026, 4, 1), "Wednesday 1 April", "tomorrow", "Tomorrow · Wednesday 1 April"),
        (date(2027, 4, 1), "Thursday 1 April 2027", "", "Thursday 1 April 2027"),
    ],
)
def test_a_day_in_words(day, words, nearby, heading):
    today = date(2026, 3, 31)
    assert (days.in_words(day, today), days.nearby(day, today), days.heading(day, today)) == (words, nearby, heading)
