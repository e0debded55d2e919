"""Work that comes again, over the nights in which clocks change, and choices of a day in places far from here."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Customer, Task
from customers.people.customers import services as customers
from customers.work.follow_ups import services as follow_ups
from customers.work.tasks import forms as task_forms
from customers.work.tasks import services as tasks


@pytest.mark.parametrize(
    ("zone", "first", "utc"),
    [
        ("Europe/London", date(2026, 3, 27), ["09:00", "09:00", "08:00", "08:00"]),
        ("Europe/London", date(2026, 10, 23), ["08:00", "08:00", "09:00", "09:00"]),
        ("America/New_York", date(2026, 3, 6), ["14:00", "14:00", "13:00", "13:00"]),
        ("America/New_York", date(2026, 10, 30), ["13:00", "13:00", "14:00", "14:00"]),
    ],
)
def test_daily_at_nine_is_nine_every_day(alice, monkeypatch, zone, first, utc):
    Organization.objects.filter(pk=alice.organization.pk).update(timezone=zone)
    place = ZoneInfo(zone)
    now = datetime.combine(first, time(8), place).astimezone(UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    organization = Organization.objects.get(pk=alice.organization.pk)
    seen = []
    with organization_scope(organization):
        task = tasks.create(
            organization=organization, actor=alice.actor, title="Open up", repeat_unit="day",
            due_at=datetime.combine(first, time(9), place), remind_at=datetime.combine(first, time(8, 30), place),
        )  # fmt: skip
        for _ in utc:
            seen.append(f"{task.due_at.astimezone(UTC):%H:%M}")
            assert task.due_at.astimezone(place).time() == time(9)
            now = task.due_at
            tasks.update(task=task, actor=alice.actor, changes={"status": "done"})
            task = Task.objects.get(status="open")
    assert seen == utc
    assert Task._base_manager.filter(organization=organization).count() == len(utc) + 1


@pytest.mark.parametrize(
    ("zone", "utc_now", "tomorrow"),
    [
        ("Pacific/Auckland", "2026-01-05T12:00", "2026-01-07"),  # it is the 6th there
        ("America/Los_Angeles", "2026-01-06T06:00", "2026-01-06"),  # it is the 5th there
        ("Europe/London", "2026-03-28T12:00", "2026-03-29"),  # the night between loses an hour
    ],
)
def test_tomorrow_is_theirs(alice, make_customer, monkeypatch, zone, utc_now, tomorrow):
    Organization.objects.filter(pk=alice.organization.pk).update(timezone=zone)
    now = datetime.fromisoformat(utc_now).replace(tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    customer = make_customer(alice)
    organization = Organization.objects.get(pk=alice.organization.pk)
    with organization_scope(organization):
        follow_ups.snooze(customer=customer, actor=alice.actor, to="tomorrow")
        at = Customer.objects.get(pk=customer.pk).next_follow_up_at.astimezone(ZoneInfo(zone))
        assert f"{at:%Y-%m-%d %H:%M}" == f"{tomorrow} 09:00"
        # Put off again it keeps its time of day.
        customers.set_follow_up(
            customer=customer, at=datetime.combine(at.date(), time(17, 45), ZoneInfo(zone)), actor=alice.actor
        )
        follow_ups.snooze(customer=customer, actor=alice.actor, to="next_week")
        at = Customer.objects.get(pk=customer.pk).next_follow_up_at.astimezone(ZoneInfo(zone))
        assert (at.weekday(), at.time()) == (0, time(17, 45))


@pytest.mark.parametrize(
    ("now", "day", "clock", "expected"),
    [
        ("2026-03-29T00:30", "2026-03-29", "01:30", "2026-03-29T01:30"),  # skipped: 02:30 in summer time
        ("2026-10-24T12:00", "2026-10-25", "01:30", "2026-10-25T00:30"),  # twice: the first
        ("2026-06-01T12:00", "2026-06-02", "", "2026-06-02T08:00"),  # nine in the morning
        ("2026-06-01T05:00", "2026-06-01", "", "2026-06-01T08:00"),
        ("2026-06-01T12:10", "2026-06-01", "", "2026-06-01T13:00"),  # nine has passed: the next full hour
        ("2026-06-01T22:30", "2026-06-01", "", "2026-06-01T22:59"),
        ("2026-06-01T12:10", "", "18:00", "2026-06-01T17:00"),  # a time alone: today
        ("2026-06-01T12:10", "", "", ""),
    ],
)
def test_what_a_day_and_a_time_mean(monkeypatch, now, day, clock, expected):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    with timezone.override(ZoneInfo("Europe/London")):
        found = task_forms.due_at(
            date.fromisoformat(day) if day else None, time.fromisoformat(clock) if clock else None
        )
    wanted = datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None
    assert found == wanted


def test_a_day_before_is_the_same_time_of_day():
    with timezone.override(ZoneInfo("Europe/London")):
        due = datetime(2026, 3, 29, 8, tzinfo=UTC)  # nine in summer time
        assert task_forms.remind_at(due, "1440") == datetime(2026, 3, 28, 9, tzinfo=UTC)  # nine in winter time
        assert task_forms.remind_at(due, "60") == datetime(2026, 3, 29, 7, tzinfo=UTC)
