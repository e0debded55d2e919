"""Business calendars: made, changed, closed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypedDict, cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.calendars import parsing, queries
from accounts.calendars.public_holidays import require_place
from accounts.grants import lock
from accounts.models import BusinessCalendar, Organization
from accounts.models.organization import is_timezone
from activity.actor import Actor
from activity.ledger import record
from core.fields import one_line
from core.refused import Invalid, Refused

MAX_CALENDARS = 100
MAX_NAME_LENGTH = 80
MAX_TEXT_LENGTH = 500
MAX_CLOSING = timedelta(days=366)


class Values(TypedDict, total=False):
    """What can be set, as it is stored."""

    name: str
    timezone: str
    weekly: Mapping[str, Sequence[parsing.Hours]]
    exceptions: Sequence[parsing.StoredException]
    holiday_country: str
    holiday_region: str
    is_default: bool


class InvalidCalendar(Invalid):
    """A value that a calendar can't have."""


class TooManyCalendars(Refused):
    """The organization has as many calendars as one page can show."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s calendars already. Delete one first.") % {"count": MAX_CALENDARS})


class CalendarInUse(Refused):
    """Teams or channels work by it, or it is the one for all others."""

    status, code = 409, "in_use"


class NotClosed(Refused):
    """There is no closing to end."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("It is not closed: there is nothing to end."))


@transaction.atomic
def create(*, organization: Organization, actor: Actor, values: Values) -> BusinessCalendar:
    """A new calendar; the first is the organization's own. Raises InvalidCalendar, InvalidHours, UnknownPlace,
    TooManyCalendars."""
    lock(organization)
    existing = list(queries.calendars_of(organization))
    if len(existing) >= MAX_CALENDARS:
        raise TooManyCalendars
    calendar = BusinessCalendar(organization=organization)
    _set(calendar, {"name": "", **values}, existing)
    calendar.is_default = not existing or bool(values.get("is_default"))
    _only_default(calendar)
    calendar.save(force_insert=True)
    record(events.CALENDAR_CREATED, subject=calendar, actor=actor, payload={"name": calendar.name})
    return calendar


@transaction.atomic
def update(*, calendar: BusinessCalendar, actor: Actor, changes: Values) -> BusinessCalendar:
    """Set what the changes name. Raises as `create`, and CalendarInUse where no other would be the organization's."""
    current = _locked(calendar)
    before = _picture(current)
    others = list(queries.calendars_of(current.organization).exclude(pk=current.pk))
    _set(current, changes, others)
    if "is_default" in changes and bool(changes["is_default"]) != current.is_default:
        if current.is_default:
            raise CalendarInUse(_("One calendar counts for all others. Choose another one for that instead."),
                                field="is_default")  # fmt: skip
        current.is_default = True
        _only_default(current)
    after = _picture(current)
    changed = {name: {"from": before[name], "to": after[name]} for name in after if after[name] != before[name]}
    if changed:
        current.save()
        payload = {"name": current.name, "changes": changed}
        record(events.CALENDAR_UPDATED, subject=current, actor=actor, payload=payload)
    return current


@transaction.atomic
def delete(*, calendar: BusinessCalendar, actor: Actor) -> None:
    """Delete one that nothing uses. Raises CalendarInUse, which names what does."""
    current = _locked(calendar)
    using = queries.users_of(current.organization).get(current.pk, [])
    if using:
        raise CalendarInUse(
            _("These work by it: %(names)s. Choose another calendar for them first.") % {"names": ", ".join(using[:10])}
        )
    if current.is_default and queries.calendars_of(current.organization).exclude(pk=current.pk).exists():
        raise CalendarInUse(_("It counts for all that have none of their own. Choose another one for that first."))
    record(events.CALENDAR_DELETED, subject=current, actor=actor, payload={"name": current.name})
    current.delete()


@transaction.atomic
def close(*, calendar: BusinessCalendar, actor: Actor, until: datetime, text: str = "") -> BusinessCalendar:
    """Closed from now until a moment, whatever the hours say; it ends by itself. `text` is what people are told.

    Raises InvalidCalendar for a moment that is past, or over a year ahead.
    """
    current = _locked(calendar)
    now = timezone.now()
    if until <= now:
        raise InvalidCalendar("until", _("This is over already. Choose a moment to come."))
    if until > now + MAX_CLOSING:
        raise InvalidCalendar("until", _("At most a year ahead."))
    text = text.strip()
    if len(text) > MAX_TEXT_LENGTH:
        raise InvalidCalendar("text", _("At most %(count)s characters.") % {"count": MAX_TEXT_LENGTH})
    begun = current.closed_from if queries.is_closing(current, now) else now
    current.closed_from, current.closed_until, current.closed_text = begun, until, text
    current.save(update_fields=["closed_from", "closed_until", "closed_text"])
    payload = {"name": current.name, "until": until}
    record(events.CALENDAR_CLOSED, subject=current, actor=actor, payload=payload)
    return current


@transaction.atomic
def reopen(*, calendar: BusinessCalendar, actor: Actor) -> BusinessCalendar:
    """End a closing before its time. Raises NotClosed."""
    current = _locked(calendar)
    if not queries.is_closing(current):
        raise NotClosed
    current.closed_from = current.closed_until = None
    current.closed_text = ""
    current.save(update_fields=["closed_from", "closed_until", "closed_text"])
    record(events.CALENDAR_REOPENED, subject=current, actor=actor, payload={"name": current.name})
    return current


@transaction.atomic
def set_exception(
    *, calendar: BusinessCalendar, actor: Actor, day: date, hours: str, name: str = ""
) -> BusinessCalendar:
    """Hours of its own for a date, as typed; empty: closed. Raises InvalidHours, InvalidCalendar."""
    intervals = parsing.as_stored(parsing.typed_intervals(hours, field="hours"))
    current = _locked(calendar)
    rows: list[parsing.StoredException] = [
        *_other_exceptions(current, day),
        {"date": day.isoformat(), "name": name, "intervals": intervals},
    ]
    return update(calendar=current, actor=actor, changes={"exceptions": rows})


@transaction.atomic
def remove_exception(*, calendar: BusinessCalendar, actor: Actor, day: date) -> BusinessCalendar:
    """The date is as every week again; nothing where it was so."""
    current = _locked(calendar)
    return update(calendar=current, actor=actor, changes={"exceptions": _other_exceptions(current, day)})


def _other_exceptions(calendar: BusinessCalendar, day: date) -> list[parsing.StoredException]:
    rows = cast("list[parsing.StoredException]", calendar.exceptions)
    return [row for row in rows if row["date"] != day.isoformat()]


def _locked(calendar: BusinessCalendar) -> BusinessCalendar:
    lock(calendar.organization)
    return queries.calendars_of(calendar.organization).get(pk=calendar.pk)


def _only_default(calendar: BusinessCalendar) -> None:
    if calendar.is_default:
        rows = BusinessCalendar.objects.filter(organization=calendar.organization, is_default=True)
        rows.exclude(pk=calendar.pk).update(is_default=False)


def _set(calendar: BusinessCalendar, values: Values, others: Sequence[BusinessCalendar]) -> None:
    if "name" in values:
        calendar.name = _name(values["name"], others)
    if "timezone" in values:
        if values["timezone"] and not is_timezone(values["timezone"]):
            raise InvalidCalendar("timezone", _("No time zone is called so. Use a name such as Europe/London."))
        calendar.timezone = values["timezone"]
    if "weekly" in values:
        calendar.weekly = _week(values["weekly"])
    if "exceptions" in values:
        calendar.exceptions = _exceptions(values["exceptions"])
    if "holiday_country" in values or "holiday_region" in values:
        country = values.get("holiday_country", calendar.holiday_country).upper()
        region = values.get("holiday_region", calendar.holiday_region)
        require_place(country, region)
        calendar.holiday_country, calendar.holiday_region = country, region


def _name(name: str, others: Sequence[BusinessCalendar]) -> str:
    text = one_line(" ".join(name.split()))
    if not text or len(text) > MAX_NAME_LENGTH:
        raise InvalidCalendar("name", _("1 to %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    if text.casefold() in {other.name.casefold() for other in others}:
        raise InvalidCalendar("name", _("There is a calendar of this name already."))
    return text


def _week(weekly: Mapping[str, Sequence[parsing.Hours]]) -> dict[str, list[parsing.Hours]]:
    if unknown := sorted(set(weekly) - set(parsing.DAYS)):
        raise InvalidCalendar(f"weekly.{unknown[0]}", _("A day is one of monday to sunday."))
    return {
        day: parsing.as_stored(intervals)
        for day, intervals in zip(parsing.DAYS, parsing.week_of(weekly), strict=True)
        if intervals
    }


def _exceptions(rows: Sequence[parsing.StoredException]) -> list[parsing.StoredException]:
    """Those that are not long over, by date."""
    if len(rows) > parsing.MAX_EXCEPTIONS:
        raise InvalidCalendar("exceptions", _("At most %(count)s.") % {"count": parsing.MAX_EXCEPTIONS})
    if len({row["date"] for row in rows}) < len(rows):
        raise InvalidCalendar("exceptions", _("A date stands there twice."))
    stored: list[parsing.StoredException] = []
    for row in sorted(rows, key=lambda row: row["date"]):
        name = one_line(" ".join(row["name"].split()))
        if len(name) > MAX_NAME_LENGTH:
            raise InvalidCalendar("exceptions", _("A name has at most %(count)s characters.") % {
                "count": MAX_NAME_LENGTH,
            })  # fmt: skip
        intervals = parsing.as_stored(parsing.intervals_of(row["intervals"], field="exceptions"))
        stored.append({"date": row["date"], "name": name, "intervals": intervals})
    return stored


def _picture(calendar: BusinessCalendar) -> dict[str, object]:
    """What the ledger compares."""
    names = ("name", "timezone", "weekly", "exceptions", "holiday_country", "holiday_region", "is_default")
    return {name: getattr(calendar, name) for name in names}
