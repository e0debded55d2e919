"""When an organization works: opening hours of a place, its exceptions, public holidays and closings. No database.

Times of the day are those on the wall there; moments are UTC. Lengths are time that really passes, also over a change
of clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60
# How far ahead an opening is looked for: over a year, so that a place open on one day of the year is found.
HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Minutes since midnight: from `start`, up to `end`, which is 1440 for midnight.

    Raises ValueError for one that is empty, or not within a day.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= MINUTES_A_DAY:
            raise ValueError("An interval begins before it ends, within one day.")

    def __str__(self) -> str:
        return f"{clock(self.start)}–{clock(self.end)}"


def clock(minutes: int) -> str:
    """09:30; 24:00 for the midnight that ends a day."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A date with hours of its own; without any it is closed."""

    intervals: tuple[Interval, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class DayHours:
    """A day's hours, and why they differ from the week's: the exception's or holiday's name."""

    day: date
    intervals: tuple[Interval, ...]
    reason: str = ""
    is_exception: bool = False
    is_holiday: bool = False


Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class OpeningHours:
    """`weekly` has the days from Monday on. An exception counts before a holiday, a holiday before the week.

    `holiday` gives the name of a day's public holiday, or nothing. `closed`: from and until when all is closed,
    whatever the hours say.
    """

    zone: ZoneInfo
    weekly: Sequence[tuple[Interval, ...]]
    exceptions: Mapping[date, ExceptionDay] = field(default_factory=dict)
    holiday: Callable[[date], str] = lambda day: ""
    closed: Span | None = None

    def day(self, day: date) -> DayHours:
        """The hours of a day, without regard to a closing."""
        if (exception := self.exceptions.get(day)) is not None:
            return DayHours(day, exception.intervals, exception.name, is_exception=True)
        if name := self.holiday(day):
            return DayHours(day, (), name, is_holiday=True)
        return DayHours(day, self.weekly[day.weekday()])

    def spans(self, start: datetime) -> Iterator[Span]:
        """The open spans that end after `start`, in order, for HORIZON_DAYS; each as long as it goes without a break.

        The first begins before `start` where that lies within it.
        """
        current: Span | None = None
        for span in self._pieces(start):
            if current is not None and span[0] <= current[1]:
                current = (current[0], max(current[1], span[1]))
                continue
            if current is not None:
                yield current
            current = span
        if current is not None:
            yield current

    def is_open(self, at: datetime) -> bool:
        return self._span_at(at) is not None

    def closes_at(self, at: datetime) -> datetime | None:
        """The end of the span in which `at` lies; None where it is closed then. At most HORIZON_DAYS later."""
        span = self._span_at(at)
        return span[1] if span else None

    def opens_at(self, at: datetime) -> datetime | None:
        """`at` itself where it is open then, else the next opening; None where there is none within HORIZON_DAYS."""
        span = next(self.spans(at), None)
        return None if span is None else max(span[0], at)

    def add(self, at: datetime, length: timedelta) -> datetime | None:
        """The moment by which so much working time has passed since `at`; None beyond HORIZON_DAYS."""
        left = length
        for start, end in self.spans(at):
            begin = max(start, at)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from one moment to a later one; nothing where `end` is not later."""
        total = timedelta(0)
        at = start
        while at < end:
            horizon = at + timedelta(days=HORIZON_DAYS)
            for opens, closes in self.spans(at):
                if opens >= min(end, horizon):
                    break
                total += max(min(closes, end, horizon) - max(opens, at), timedelta(0))
            at = horizon
        return total

    def is_working_day(self, day: date) -> bool:
        """Whether it is open at some time of the day."""
        return any(True for _ in self._spans_on(day))

    def next_working_day(self, after: date) -> date | None:
        """The first working day after this one; None where there is none within HORIZON_DAYS."""
        days = (after + timedelta(days=number) for number in range(1, HORIZON_DAYS + 1))
        return next((day for day in days if self.is_working_day(day)), None)

    def _span_at(self, at: datetime) -> Span | None:
        span = next(self.spans(at), None)
        return span if span is not None and span[0] <= at else None

    def _pieces(self, start: datetime) -> Iterator[Span]:
        # The day before too: its last interval may end at the midnight at which this day's first one begins.
        first = start.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(HORIZON_DAYS + 2):
            for span in self._spans_on(first + timedelta(days=number)):
                if span[1] > start or (number == 0 and span[1] == start):
                    yield span

    def _spans_on(self, day: date) -> Iterator[Span]:
        for interval in sorted(self.day(day).intervals):
            start, end = self._moment(day, interval.start), self._moment(day, interval.end)
            yield from self._without_closing(start, end)

    def _without_closing(self, start: datetime, end: datetime) -> Iterator[Span]:
        pieces = [(start, end)]
        if self.closed is not None:
            begun, over = self.closed
            pieces = [(start, min(end, begun)), (max(start, over), end)] if begun < end and over > start else pieces
        # A change of clocks can leave nothing of an interval.
        yield from (piece for piece in pieces if piece[0] < piece[1])

    def _moment(self, day: date, minutes: int) -> datetime:
        if minutes == MINUTES_A_DAY:
            day, minutes = day + timedelta(days=1), 0
        return datetime.combine(day, time(minutes // 60, minutes % 60), self.zone).astimezone(UTC)


def always_open(zone: ZoneInfo) -> OpeningHours:
    """The hours of an organization that has said nothing of them."""
    return OpeningHours(zone, [(Interval(0, MINUTES_A_DAY),)] * 7)
