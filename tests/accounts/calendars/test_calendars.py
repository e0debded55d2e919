"""Business calendars: written, counted by, closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.calendars import queries
from accounts.calendars import services as calendars
from accounts.models import BusinessCalendar, Organization
from accounts.teams import services as teams
from activity.models import Event
from core.tenancy import organization_scope
from messaging.models import Channel
from messaging.settings import services as channels
from tests.conftest import Person, make_team

pytestmark = pytest.mark.django_db
WEEK: Any = {"monday": [{"start": "09:00", "end": "17:00"}]}
MONDAY = datetime(2026, 11, 30, 12, tzinfo=UTC)

Make = Callable[..., BusinessCalendar]


@pytest.fixture
def make(alice: Person, inside: Organization) -> Make:
    def create(name: str = "Clinic", **values: Any) -> BusinessCalendar:
        given: Any = {"name": name, "weekly": WEEK, **values}
        return calendars.create(organization=inside, actor=alice.actor, values=given)

    return create


def current(calendar: BusinessCalendar) -> BusinessCalendar:
    return queries.calendars_of(calendar.organization).get(pk=calendar.pk)


def last_event() -> tuple[str, dict[str, Any]]:
    event = Event.objects.order_by("-pk").first()
    assert event is not None
    return event.type, event.payload


def test_the_first_counts_for_all_and_another_can_take_over(make: Make, alice: Person) -> None:
    first, second = make(), make("Weekend desk")
    assert (first.is_default, second.is_default) == (True, False)
    calendars.update(calendar=second, actor=alice.actor, changes={"is_default": True})
    assert (current(first).is_default, current(second).is_default) == (False, True)
    with pytest.raises(calendars.CalendarInUse):
        calendars.update(calendar=second, actor=alice.actor, changes={"is_default": False})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "CLINIC"}, "name"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"weekly": {"moonday": []}}, "weekly.moonday"),
        ({"weekly": {"friday": [{"start": "17:00", "end": "09:00"}]}}, "weekly.friday"),
        ({"exceptions": [{"date": "2026-12-24", "name": "", "intervals": []}] * 2}, "exceptions"),
        ({"exceptions": [{"date": "2026-12-24", "name": "x" * 81, "intervals": []}]}, "exceptions"),
        ({"holiday_country": "XX"}, "holidays.country"),
        ({"holiday_region": "ENG"}, "holidays.region"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(make: Make, values: dict[str, Any], field: str) -> None:
    make()
    with pytest.raises(calendars.Invalid) as refused:
        make(**{"name": "Another", **values})
    assert refused.value.field == field
    assert BusinessCalendar.objects.count() == 1


def test_a_change_is_in_the_ledger_with_before_and_after(make: Make, alice: Person) -> None:
    calendar = make()
    calendars.update(calendar=calendar, actor=alice.actor, changes={"name": "Practice"})
    changes = {"name": {"from": "Clinic", "to": "Practice"}}
    assert last_event() == ("calendar.updated", {"name": "Practice", "changes": changes})
    calendars.update(calendar=calendar, actor=alice.actor, changes={"name": "Practice"})
    assert Event.objects.filter(type="calendar.updated").count() == 1


def test_an_exception_is_set_replaced_and_removed_beside_others(make: Make, alice: Person) -> None:
    calendar = make(exceptions=[{"date": "2026-12-31", "name": "", "intervals": []}])
    # Both have read the calendar as it was: neither loses what the other wrote.
    calendars.set_exception(calendar=calendar, actor=alice.actor, day=date(2026, 12, 24), hours="9-12", name="Eve")
    calendars.set_exception(calendar=calendar, actor=alice.actor, day=date(2026, 12, 26), hours="")
    calendars.set_exception(calendar=calendar, actor=alice.actor, day=date(2026, 12, 24), hours="9-11", name="Eve")
    assert [(row["date"], len(row["intervals"])) for row in current(calendar).exceptions] == [
        ("2026-12-24", 1), ("2026-12-26", 0), ("2026-12-31", 0),
    ]  # fmt: skip
    assert current(calendar).exceptions[0]["intervals"] == [{"start": "09:00", "end": "11:00"}]
    calendars.remove_exception(calendar=calendar, actor=alice.actor, day=date(2026, 12, 24))
    assert [row["date"] for row in current(calendar).exceptions] == ["2026-12-26", "2026-12-31"]


def test_a_closing_ends_by_itself_or_sooner(make: Make, alice: Person) -> None:
    calendar = make()
    with time_machine.travel(MONDAY, tick=False):
        closed = calendars.close(
            calendar=calendar, actor=alice.actor, until=MONDAY + timedelta(hours=2), text="Water pipe"
        )
        assert queries.now_of(closed) == queries.Now(False, MONDAY + timedelta(hours=2), "Water pipe", True)
    with time_machine.travel(MONDAY + timedelta(hours=2), tick=False):
        assert queries.now_of(current(calendar)).is_open
        with pytest.raises(calendars.NotClosed):
            calendars.reopen(calendar=calendar, actor=alice.actor)
    with time_machine.travel(MONDAY + timedelta(hours=1), tick=False):
        assert queries.now_of(calendars.reopen(calendar=calendar, actor=alice.actor)).is_open


@pytest.mark.parametrize("until", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_closing_is_of_the_next_year(make: Make, alice: Person, until: timedelta) -> None:
    calendar = make()
    with time_machine.travel(MONDAY, tick=False), pytest.raises(calendars.InvalidCalendar) as refused:
        calendars.close(calendar=calendar, actor=alice.actor, until=MONDAY + until)
    assert refused.value.field == "until"


def test_whose_calendar_counts(make: Make, inside: Organization) -> None:
    night = datetime(2026, 11, 30, 3, tzinfo=UTC)
    assert queries.hours_for(inside).is_open(night), "without a calendar every hour counts"
    make()
    assert not queries.hours_for(inside).is_open(night)
    nights = make("Nights", weekly={"monday": [{"start": "00:00", "end": "06:00"}]})
    assert queries.hours_for(inside, None, nights).is_open(night)


def test_times_are_those_of_its_own_place(make: Make) -> None:
    calendar = make(timezone="Asia/Tokyo")
    assert queries.now_of(calendar, datetime(2026, 11, 30, 0, tzinfo=UTC)).is_open
    assert not queries.now_of(calendar, datetime(2026, 11, 30, 9, tzinfo=UTC)).is_open


def test_one_that_teams_or_channels_work_by_stays(make: Make, alice: Person, inside: Organization) -> None:
    make()
    calendar = make("Desk hours")
    team = make_team("Desk", alice)
    teams.update(team=team, by=alice.member, actor=alice.actor, changes={"calendar": calendar.pk})
    channel = Channel.objects.select_related("organization").filter(kind="email").get()
    channels.update(channel=channel, actor=alice.actor, changes={"calendar": calendar.pk})
    assert queries.users_of(inside)[calendar.pk] == ["Desk", channel.name]
    with pytest.raises(calendars.CalendarInUse, match="Desk"):
        calendars.delete(calendar=calendar, actor=alice.actor)
    teams.update(team=team, by=alice.member, actor=alice.actor, changes={"calendar": None})
    channels.update(channel=channel, actor=alice.actor, changes={"calendar": None})
    calendars.delete(calendar=calendar, actor=alice.actor)
    assert last_event() == ("calendar.deleted", {"name": "Desk hours"})


def test_the_one_for_all_others_stays_while_there_are_others(make: Make, alice: Person) -> None:
    first, second = make(), make("Another")
    with pytest.raises(calendars.CalendarInUse):
        calendars.delete(calendar=first, actor=alice.actor)
    calendars.delete(calendar=second, actor=alice.actor)
    calendars.delete(calendar=first, actor=alice.actor)
    assert not BusinessCalendar.objects.exists()


def test_another_organizations_calendar_is_nobodys_choice(alice: Person, charlie: Person, make: Make) -> None:
    calendar = make()
    with organization_scope(charlie.organization):
        team = make_team("Theirs", charlie)
        with pytest.raises(calendars.InvalidCalendar):
            teams.update(team=team, by=charlie.member, actor=charlie.actor, changes={"calendar": calendar.pk})
