"""A month of tasks and follow-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tenancy import organization_scope
from customers.people.customers import services as customers
from customers.work.tasks import services as tasks


@pytest.fixture(autouse=True)
def at_noon(monkeypatch, db):
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


def add(alice, title, at, to=None, customer=None):
    with organization_scope(alice.organization):
        return tasks.create(
            organization=alice.organization, actor=alice.actor, title=title, due_at=at, customer=customer,
            assigned_to=(to or alice).user,
        )  # fmt: skip


def shown(who, query=""):
    answer = who.client.get(who.url(f"tasks/calendar/{query}"))
    assert answer.status_code == 200
    return {str(day.day): [item.title for item in day.items] for day in answer.context["days"] if day.items}


def test_each_on_its_day_of_the_organization(alice, make_customer):
    customer = make_customer(alice, name="Ada")
    add(alice, "Before midnight", datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    add(alice, "After it, in summer time", datetime(2026, 3, 29, 23, 30, tzinfo=UTC))
    add(alice, "With her", datetime(2026, 3, 2, 9, tzinfo=UTC), customer=customer)
    add(alice, "Another month", datetime(2026, 6, 2, 9, tzinfo=UTC))
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=customer, at=datetime(2026, 3, 31, 9, tzinfo=UTC), actor=alice.actor)
    assert shown(alice) == {
        "2026-03-02": ["With her · Ada"],
        "2026-03-28": ["Before midnight"],
        "2026-03-30": ["After it, in summer time"],
        "2026-03-31": ["Ada"],
    }
    assert list(shown(alice, "?month=2026-06").values()) == [["Another month"]]


def test_weeks_are_whole_and_today_is_marked(alice):
    answer = alice.client.get(alice.url("tasks/calendar/"))
    found = answer.context["days"]
    assert (str(found[0].day), str(found[-1].day)) == ("2026-02-23", "2026-04-05")
    assert [str(day.day) for day in found if day.is_today] == ["2026-03-16"]
    assert answer.context["before"] == "?month=2026-02"
    assert answer.context["after"] == "?month=2026-04"
    december = alice.client.get(alice.url("tasks/calendar/?month=2026-12"))
    assert december.context["after"] == "?month=2027-01"


@pytest.mark.parametrize("month", ["x", "2026-13", "0001-01", "9999-12", "2026", "2026-3-1", "-"])
def test_what_is_no_month_is_this_one(alice, month):
    answer = alice.client.get(alice.url(f"tasks/calendar/?month={month}"))
    assert answer.status_code == 200
    assert str(answer.context["month"]) == "2026-03-01"


def test_within_reach(alice, bob, charlie, make_customer):
    hidden = make_customer(alice, name="Zebulon Quist")
    at = datetime(2026, 3, 20, 9, tzinfo=UTC)
    add(alice, "Of Bob", at, to=bob, customer=hidden)
    add(alice, "Of Alice", at)
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=hidden, at=at, actor=alice.actor)
    assert shown(bob, "?who=all") == {"2026-03-20": ["Of Bob"]}
    assert "Of Bob · Zebulon Quist" in shown(alice, "?who=all")["2026-03-20"]
    assert shown(charlie, "?who=all") == {}
    assert charlie.client.get(alice.url("tasks/calendar/")).status_code == 404


def test_the_same_queries_for_one_and_many(alice, make_customer, at_noon):
    counts = []
    for size in (1, 14):
        for number in range(size):
            customer = make_customer(alice)
            add(alice, f"Task {number}", at_noon + timedelta(minutes=number), customer=customer)
            with organization_scope(alice.organization):
                customers.set_follow_up(customer=customer, at=at_noon + timedelta(hours=number), actor=alice.actor)
        client = alice.client
        client.get(alice.url("tasks/calendar/?who=all"))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(alice.url("tasks/calendar/?who=all")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
