"""Follow-ups: who is due, in the organization's days, put off or done in one click."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Customer, Interaction
from customers.people.customers import services as customers

MAX_COUNT = 12


def plan(alice, customer, at):
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=customer, at=at, actor=alice.actor)


def due_of(customer):
    with organization_scope(customer.organization):
        return Customer.objects.get(pk=customer.pk).next_follow_up_at


def shown(who, query=""):
    answer = who.client.get(who.url(f"followups/{query}"))
    assert answer.status_code == 200
    return {group.label: [one.name for one in group.customers] for group in answer.context["groups"]}


def names(groups):
    return [name for group in groups.values() for name in group]


@pytest.fixture
def at_noon(monkeypatch, alice):
    """Noon in London, on a Monday."""
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


def test_overdue_first_then_by_day(alice, make_customer, at_noon):
    for name, hours in (("Later", 60), ("Tonight", 10), ("Yesterday", -20), ("This morning", -3)):
        plan(alice, make_customer(alice, name=name), at_noon + timedelta(hours=hours))
    found = shown(alice)
    assert list(found.values()) == [["Yesterday"], ["This morning", "Tonight"], ["Later"]]
    assert next(iter(found)) == "Overdue"
    assert list(found)[1].startswith("Today")


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Pacific/Auckland", {"12:30 tonight here"}),  # at noon in London it is one in the morning of Tuesday there
        ("America/Los_Angeles", {"eleven here", "12:30 tonight here"}),  # and four in the morning of Monday there
        ("Europe/London", {"eleven here"}),
    ],
)
def test_today_is_the_organizations(alice, make_customer, at_noon, zone, today):
    Organization.objects.filter(pk=alice.organization.pk).update(timezone=zone)
    plan(alice, make_customer(alice, name="eleven here"), datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(hours=14))
    if zone == "Pacific/Auckland":
        plan(alice, make_customer(alice, name="before midnight there"), datetime(2026, 1, 5, 10, tzinfo=UTC))
    plan(alice, make_customer(alice, name="12:30 tonight here"), datetime(2026, 1, 6, 0, 30, tzinfo=UTC))
    found = shown(alice)
    of_today = {name for label, names in found.items() if label.startswith("Today") for name in names}
    if zone == "Pacific/Auckland":
        assert of_today == {"eleven here", "12:30 tonight here"}
        assert found["Overdue"] == ["before midnight there"]
    else:
        assert of_today == today


def test_one_day(alice, make_customer, at_noon):
    plan(alice, make_customer(alice, name="Then"), datetime(2026, 3, 29, 23, 30, tzinfo=UTC))  # 00:30 on the 30th
    plan(alice, make_customer(alice, name="That day"), datetime(2026, 3, 29, 22, 30, tzinfo=UTC))
    assert names(shown(alice, "?date=2026-03-29")) == ["That day"]
    assert names(shown(alice, "?date=2026-03-30")) == ["Then"]
    assert shown(alice, "?date=2026-04-01") == {}
    for wrong in ("x", "2026-02-30", "0001-01-01", "9999-12-31"):
        assert alice.client.get(alice.url(f"followups/?date={wrong}")).status_code == 404


def test_within_reach(alice, bob, mona, charlie, make_customer):
    now = timezone.now()
    for owner, name in ((alice, "Of Alice"), (bob, "Of Bob"), (None, "Of nobody")):
        plan(alice, make_customer(owner, name=name), now)
    assert names(shown(alice)) == ["Of Alice"]
    assert sorted(names(shown(alice, "?who=all"))) == [
        "Of Alice",
        "Of Bob",
        "Of nobody",
    ]
    assert names(shown(bob, "?who=all")) == ["Of Bob"]
    assert names(shown(bob, f"?who={alice.user.pk}")) == []
    assert sorted(names(shown(mona, "?who=all"))) == ["Of Bob", "Of nobody"]
    assert names(shown(mona, "?who=none")) == ["Of nobody"]
    assert shown(charlie, "?who=all") == {}
    assert charlie.client.get(alice.url("followups/")).status_code == 404


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ({"to": "tomorrow"}, "2026-01-06"),
        ({"to": "three_days"}, "2026-01-08"),
        ({"to": "next_week"}, "2026-01-12"),
        ({"day": "2026-07-01"}, "2026-07-01"),
    ],
)
def test_put_off_in_one_click_and_taken_back(alice, make_customer, at_noon, body, day):
    customer = make_customer(alice)
    before = at_noon - timedelta(hours=2, minutes=30)  # 09:30
    plan(alice, customer, before)
    answer = alice.htmx.post(alice.url(f"customers/{customer.pk}/follow-up/?in=list"), body)
    assert answer.status_code == 200
    local = timezone.localtime(due_of(customer), alice.organization.zone)
    assert f"{local:%Y-%m-%d %H:%M}" == f"{day} 09:30"
    undo = json.loads(answer.headers["HX-Trigger"])["parley:toast"]["undo"]
    assert alice.htmx.post(undo).status_code == 200
    assert due_of(customer) == before


def test_done_and_taken_back(alice, make_customer):
    customer = make_customer(alice)
    before = timezone.now()
    plan(alice, customer, before)
    url = alice.url(f"customers/{customer.pk}/follow-up/")
    answer = alice.htmx.post(f"{url}?in=page", {"done": "1"})
    assert due_of(customer) is None
    assert "No follow-up planned" in answer.content.decode()
    alice.htmx.post(json.loads(answer.headers["HX-Trigger"])["parley:toast"]["undo"])
    assert due_of(customer) == before
    assert alice.client.post(url, {"done": "1", "next": alice.url("followups/")}).url == alice.url("followups/")


@pytest.mark.parametrize(
    "body", [{}, {"to": "never"}, {"day": "x"}, {"day": "2001-01-01"}, {"day": "9999-12-31"}, {"to": ""}]
)
def test_what_is_no_day_changes_nothing(alice, make_customer, body):
    customer = make_customer(alice)
    answer = alice.htmx.post(alice.url(f"customers/{customer.pk}/follow-up/?in=list"), body)
    assert json.loads(answer.headers["HX-Trigger"])["parley:toast"]["level"] == "error"
    assert alice.client.post(alice.url(f"customers/{customer.pk}/follow-up/"), body).status_code == 302
    for at in ("x", "2026-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert alice.htmx.post(alice.url(f"customers/{customer.pk}/follow-up/?at={at}")).status_code == 204
    assert due_of(customer) is None


def test_nobody_else_changes_it(alice, bob, charlie, make_customer):
    customer = make_customer(alice)
    for who in (bob, charlie):
        assert who.client.post(who.url(f"customers/{customer.pk}/follow-up/"), {"to": "tomorrow"}).status_code == 404
        assert who.htmx.get(who.url(f"customers/{customer.pk}/log/")).status_code == 404
    assert due_of(customer) is None


def test_in_the_list_of_customers(alice, make_customer, at_noon):
    customer = make_customer(alice)
    url = alice.url(f"customers/{customer.pk}/row/")
    assert b"Next week" in alice.htmx.get(f"{url}?field=follow_up").content
    assert alice.htmx.post(url, {"field": "follow_up", "value": "tomorrow"}).status_code == 200
    assert due_of(customer) == datetime(2026, 1, 6, 9, tzinfo=UTC)
    assert alice.htmx.post(url, {"field": "follow_up", "value": "2026-02-01"}).status_code == 200
    assert due_of(customer) == datetime(2026, 2, 1, 9, tzinfo=UTC)
    refused = alice.htmx.post(url, {"field": "follow_up", "value": "1999-01-01"})
    assert refused.status_code == 422
    assert alice.htmx.post(url, {"field": "follow_up", "value": "x"}).status_code == 422
    assert alice.htmx.post(url, {"field": "follow_up", "value": ""}).status_code == 200
    assert due_of(customer) is None


def test_a_call_is_logged_with_the_next_follow_up(alice, make_customer, at_noon):
    customer = make_customer(alice)
    url = alice.url(f"customers/{customer.pk}/log/")
    assert b'value="call" checked' in alice.htmx.get(f"{url}?kind=call").content
    body = {"kind": "call", "content": "Wants a date", "minutes": "5", "then": "three_days"}
    answer = alice.htmx.post(f"{url}?dialog=1", body)
    assert answer.status_code == 200
    assert "entry-logged" in answer.headers["HX-Trigger"]
    assert due_of(customer) == datetime(2026, 1, 8, 9, tzinfo=UTC)
    alice.htmx.post(url, {"kind": "note", "content": "x", "then": "day", "then_day": "2026-02-02"})
    assert due_of(customer) == datetime(2026, 2, 2, 9, tzinfo=UTC)
    alice.htmx.post(url, {"kind": "meeting", "content": "x", "then": "none"})
    assert due_of(customer) is None
    with organization_scope(alice.organization):
        assert Interaction.objects.count() == 3
    # Nothing is logged where the day is none.
    for wrong in ({"then": "day"}, {"then": "day", "then_day": "1999-01-01"}, {"then": "x"}):
        assert alice.htmx.post(url, {"kind": "call", "content": "y", **wrong}).status_code == 422
    with organization_scope(alice.organization):
        assert Interaction.objects.count() == 3


@pytest.mark.parametrize("query", ["", "?who=all", "?date=2026-01-05&who=all"])
def test_the_same_queries_for_one_and_many(alice, make_customer, at_noon, query):
    counts = []
    for size in (1, 14):
        for number in range(size):
            plan(alice, make_customer(alice), at_noon + timedelta(minutes=number))
        client = alice.client
        client.get(alice.url(f"followups/{query}"))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(alice.url(f"followups/{query}")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MAX_COUNT


def test_more_come_with_the_scroll(alice, make_customer, at_noon):
    for number in range(45):
        plan(alice, make_customer(alice, name=f"Person {number:02}"), at_noon + timedelta(minutes=number))
    first = alice.client.get(alice.url("followups/"))
    more = alice.client.get(
        alice.url(f"followups/{first.context['more']}"),
        headers={"HX-Request": "true", "HX-Target": "more-follow-ups"},
    )
    assert next(one.name for group in more.context["groups"] for one in group.customers) == "Person 40"
    assert alice.client.get(alice.url("followups/?after=x")).status_code == 404
