"""Opening hours, against a plain count of minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.calendars import parsing
from accounts.calendars.hours import ExceptionDay, Interval, OpeningHours, always_open
from accounts.calendars.public_holidays import UnknownPlace, countries, holiday_on, regions, require_place
from core.refused import Invalid

LONDON = ZoneInfo("Europe/London")
DAY = [Interval(9 * 60, 12 * 60), Interval(13 * 60, 17 * 60)]
WEEK = [tuple(DAY)] * 5 + [(), ()]


def at(text: str, zone: ZoneInfo = LONDON) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def plain(hours: OpeningHours, moment: datetime) -> bool:
    """The slow and plain way: what the wall clock says."""
    if hours.closed and hours.closed[0] <= moment < hours.closed[1]:
        return False
    local = moment.astimezone(hours.zone)
    minutes = local.hour * 60 + local.minute
    return any(one.start <= minutes < one.end for one in hours.day(local.date()).intervals)


def test_open_until_the_break_and_closed_over_it() -> None:
    hours = OpeningHours(LONDON, WEEK)
    assert hours.closes_at(at("2026-11-30T09:00")) == at("2026-11-30T12:00")
    assert hours.closes_at(at("2026-11-30T12:00")) is None
    assert hours.opens_at(at("2026-11-30T12:00")) == at("2026-11-30T13:00")
    assert hours.opens_at(at("2026-11-30T14:00")) == at("2026-11-30T14:00")
    assert hours.opens_at(at("2026-12-04T17:00")) == at("2026-12-07T09:00")


def test_working_time_skips_nights_and_weekends() -> None:
    hours = OpeningHours(LONDON, WEEK)
    assert hours.between(at("2026-12-04T16:00"), at("2026-12-07T10:00")) == timedelta(hours=2)
    assert hours.add(at("2026-12-04T16:00"), timedelta(hours=2)) == at("2026-12-07T10:00")
    assert hours.between(at("2026-12-07T10:00"), at("2026-12-04T16:00")) == timedelta(0)
    assert hours.next_working_day(date(2026, 12, 4)) == date(2026, 12, 7)


def test_an_exception_counts_before_a_holiday_and_that_before_the_week() -> None:
    christmas = date(2026, 12, 25)
    holidays = {christmas: "Christmas Day", date(2026, 12, 28): "Boxing Day (observed)"}
    exception = {christmas: ExceptionDay((Interval(600, 660),), "Emergency desk")}
    hours = OpeningHours(LONDON, WEEK, exception, lambda day: holidays.get(day, ""))
    assert hours.is_open(at("2026-12-25T10:30"))
    assert not hours.is_open(at("2026-12-28T10:30"))
    assert hours.day(date(2026, 12, 28)).reason == "Boxing Day (observed)"
    assert hours.next_working_day(date(2026, 12, 25)) == date(2026, 12, 29)


def test_a_closing_counts_before_everything_and_ends_by_itself() -> None:
    hours = OpeningHours(LONDON, WEEK, closed=(at("2026-11-30T10:00"), at("2026-12-01T10:00")))
    assert hours.closes_at(at("2026-11-30T09:30")) == at("2026-11-30T10:00")
    assert hours.opens_at(at("2026-11-30T10:00")) == at("2026-12-01T10:00")
    assert hours.is_open(at("2026-12-01T10:00"))


def test_hours_over_midnight_are_one_span() -> None:
    week = [(Interval(0, 120), Interval(1200, 1440))] * 7
    hours = OpeningHours(LONDON, week)
    assert hours.closes_at(at("2026-11-30T23:00")) == at("2026-12-01T02:00")
    assert hours.closes_at(at("2026-12-01T00:00")) == at("2026-12-01T02:00")


@pytest.mark.parametrize(("day", "length"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-30", 24)])
def test_a_day_is_as_long_as_its_clocks_make_it(day: str, length: int) -> None:
    start = at(f"{day}T00:00")
    end = datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), LONDON).astimezone(UTC)
    assert always_open(LONDON).between(start, end) == timedelta(hours=length)


def test_without_hours_nothing_ever_opens() -> None:
    hours = OpeningHours(LONDON, [()] * 7)
    assert hours.opens_at(at("2026-11-30T09:00")) is None
    assert hours.add(at("2026-11-30T09:00"), timedelta(minutes=1)) is None
    assert hours.next_working_day(date(2026, 11, 30)) is None


INTERVALS = st.lists(st.integers(0, 1440), max_size=4, unique=True).map(
    lambda points: tuple(Interval(*pair) for pair in zip(sorted(points)[::2], sorted(points)[1::2], strict=False))
)
MOMENTS = st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 10)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)


@st.composite
def any_hours(draw: st.DrawFn) -> OpeningHours:
    zone = ZoneInfo(draw(st.sampled_from(["Europe/London", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"])))
    week = draw(st.lists(INTERVALS, min_size=7, max_size=7))
    days = draw(st.dictionaries(st.dates(date(2026, 3, 20), date(2026, 4, 10)), INTERVALS, max_size=3))
    closed = sorted(draw(st.tuples(MOMENTS, MOMENTS)))
    exceptions = {day: ExceptionDay(intervals) for day, intervals in days.items()}
    return OpeningHours(zone, week, exceptions, closed=(closed[0], closed[1]) if closed[0] < closed[1] else None)


@settings(max_examples=60, deadline=None)
@given(hours=any_hours(), moment=MOMENTS, length=st.integers(1, 60 * 30))
def test_it_agrees_with_counting_minutes(hours: OpeningHours, moment: datetime, length: int) -> None:
    minutes = [moment + timedelta(minutes=number) for number in range(length)]
    # Where clocks are put back an hour is there twice, and the wall does not say which.
    if len({minute.astimezone(hours.zone).utcoffset() for minute in minutes}) == 1:
        counted = sum(plain(hours, minute) for minute in minutes)
        assert hours.between(moment, moment + timedelta(minutes=length)) == timedelta(minutes=counted)
    assert hours.is_open(moment) == plain(hours, moment)
    done = hours.add(moment, timedelta(minutes=length))
    if done is not None:
        assert hours.between(moment, done) == timedelta(minutes=length)


class TestTyped:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("9-17", "09:00–17:00"),
            ("9:00–12:30, 14:00–18:00", "09:00–12:30, 14:00–18:00"),
            ("14-18,9 to 12.30", "09:00–12:30, 14:00–18:00"),
            ("0-24", "00:00–24:00"),
            ("  ", ""),
        ],
    )
    def test_hours_are_read(self, text: str, read: str) -> None:
        assert parsing.as_text(parsing.typed_intervals(text, field="monday")) == read

    @pytest.mark.parametrize(
        "text", ["nine", "17-9", "9-12, 11-13", "9-25", "9:70-10", "1-2,3-4,5-6,7-8,9-10,11-12,13-14"]
    )
    def test_what_is_none_is_refused_at_its_field(self, text: str) -> None:
        with pytest.raises(Invalid) as refused:
            parsing.typed_intervals(text, field="monday")
        assert refused.value.field == "monday"


class TestHolidays:
    def test_by_country_and_region(self) -> None:
        assert holiday_on("GB", "ENG", date(2026, 12, 25)) == "Christmas Day"
        assert holiday_on("GB", "SCT", date(2026, 11, 30)) != ""
        assert holiday_on("GB", "ENG", date(2026, 11, 30)) == ""
        assert holiday_on("", "", date(2026, 12, 25)) == ""

    def test_countries_and_regions_have_names(self) -> None:
        assert countries()["GB"] == "United Kingdom"
        assert regions("GB")["ENG"] == "England"
        assert regions("XX") == {}

    @pytest.mark.parametrize(
        ("country", "region", "field"),
        [("XX", "", "holidays.country"), ("", "ENG", "holidays.region"), ("GB", "BY", "holidays.region")],
    )
    def test_a_place_without_holidays_is_refused(self, country: str, region: str, field: str) -> None:
        with pytest.raises(UnknownPlace) as refused:
            require_place(country, region)
        assert refused.value.field == field
