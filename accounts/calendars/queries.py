"""Which calendar counts for whom, and what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from accounts.calendars import parsing
from accounts.calendars.hours import DayHours, Interval, OpeningHours, always_open
from accounts.calendars.public_holidays import holiday_on
from accounts.models import BusinessCalendar, Organization, Team
from core.registry import Registry

# How far ahead the page of a calendar names what is not as every week.
AHEAD_DAYS = 120

Names = Mapping[UUID, list[str]]


@dataclass(frozen=True, slots=True)
class Users:
    """A kind of record that can have a calendar of its own. `names`: by a calendar's id, what those who use it are
    called, of one organization."""

    key: str
    names: Callable[[Organization], Names]


_users: Registry[Users] = Registry("Calendar users", name=lambda users: users.key)
register_users = _users.register


@dataclass(frozen=True, slots=True)
class Now:
    """How it is at a moment: open or closed, until when that lasts (None: for long), and the text of a closing."""

    is_open: bool
    until: datetime | None
    text: str = ""
    is_closing: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A calendar of a list: how it is now there, and what uses it."""

    calendar: BusinessCalendar
    now: Now
    zone: ZoneInfo
    users: list[str]


def calendars_of(organization: Organization) -> QuerySet[BusinessCalendar]:
    """The organization's calendars: the one that counts for all others first, then by name."""
    rows = BusinessCalendar.objects.filter(organization=organization).select_related("organization")
    return rows.order_by("-is_default", "name", "pk")


def hours_of(calendar: BusinessCalendar) -> OpeningHours:
    """What a calendar says."""
    return OpeningHours(
        zone=zone_of(calendar),
        weekly=parsing.week_of(calendar.weekly),
        exceptions=parsing.exceptions_of(calendar.exceptions),
        holiday=partial(holiday_on, calendar.holiday_country, calendar.holiday_region),
        closed=(calendar.closed_from, calendar.closed_until)
        if calendar.closed_from is not None and calendar.closed_until is not None
        else None,
    )


def hours_for(organization: Organization, *calendars: BusinessCalendar | None) -> OpeningHours:
    """The hours of the first calendar given (a channel's, its team's); else of the organization; else always open."""
    chosen = next((calendar for calendar in calendars if calendar is not None), None)
    if chosen is None:
        chosen = calendars_of(organization).filter(is_default=True).first()
    return hours_of(chosen) if chosen is not None else always_open(organization.zone)


def zone_of(calendar: BusinessCalendar) -> ZoneInfo:
    return ZoneInfo(calendar.timezone) if calendar.timezone else calendar.organization.zone


def now_of(calendar: BusinessCalendar, at: datetime | None = None) -> Now:
    """How it is at the moment (now)."""
    at = at or timezone.now()
    hours = hours_of(calendar)
    if (closes := hours.closes_at(at)) is not None:
        return Now(is_open=True, until=closes if closes - at < timedelta(days=30) else None)
    closing = is_closing(calendar, at)
    return Now(False, hours.opens_at(at), calendar.closed_text if closing else "", closing)


def is_closing(calendar: BusinessCalendar, at: datetime | None = None) -> bool:
    """Whether somebody closed for this moment."""
    at = at or timezone.now()
    if calendar.closed_from is None or calendar.closed_until is None:
        return False
    return calendar.closed_from <= at < calendar.closed_until


def users_of(organization: Organization) -> Names:
    """By a calendar's id, what uses it: teams, and what upper apps registered."""
    names: dict[UUID, list[str]] = defaultdict(list)
    for team in Team.objects.filter(organization=organization, calendar__isnull=False).order_by("name"):
        names[cast("UUID", team.calendar_id)].append(team.name)
    for users in _users:
        for key, called in users.names(organization).items():
            names[key] += called
    return names


def rows_of(organization: Organization) -> list[Row]:
    """The list of calendars, each as it is now."""
    users = users_of(organization)
    return [Row(row, now_of(row), zone_of(row), users.get(row.pk, [])) for row in calendars_of(organization)]


def week(calendar: BusinessCalendar) -> list[tuple[str, tuple[Interval, ...]]]:
    """The name and hours of each day of the week, from Monday on."""
    return [
        (str(parsing.DAY_NAMES[day]), intervals)
        for day, intervals in zip(parsing.DAYS, parsing.week_of(calendar.weekly), strict=True)
    ]


def special_days(calendar: BusinessCalendar) -> Iterable[DayHours]:
    """Exceptions and holidays of the next AHEAD_DAYS, and exceptions beyond, by day."""
    hours = hours_of(calendar)
    today = timezone.now().astimezone(hours.zone).date()
    days = {today + timedelta(days=number) for number in range(AHEAD_DAYS)} | set(hours.exceptions)
    rows = (hours.day(day) for day in sorted(days) if day >= today)
    return [row for row in rows if row.is_exception or row.is_holiday]
