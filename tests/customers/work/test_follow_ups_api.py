"""Follow-ups and recurring tasks through the API."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Customer, Task
from customers.people.customers import services as customers
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)


@pytest.fixture
def customer(alice, bob, make_customer):
    return make_customer(bob)


def refused(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.data["errors"][0]["attr"]


class TestFollowUps:
    @pytest.mark.parametrize(
        ("zone", "moment", "day"),
        [
            ("Europe/London", "2026-06-09T23:30:00+00:00", "2026-06-10"),
            ("Pacific/Auckland", "2026-06-10T11:59:00+00:00", "2026-06-10"),
            ("Pacific/Auckland", "2026-06-10T12:00:00+00:00", "2026-06-11"),
            ("America/Los_Angeles", "2026-06-10T06:59:00+00:00", "2026-06-09"),
            # The day on which London's clocks go back has 25 hours.
            ("Europe/London", "2026-10-25T23:59:00+00:00", "2026-10-25"),
        ],
    )
    def test_a_day_is_one_where_the_organization_is(self, alice, customer, zone, moment, day):
        Organization.objects.filter(pk=alice.organization.pk).update(timezone=zone)
        with organization_scope(alice.organization):
            Customer.objects.filter(pk=customer.pk).update(next_follow_up_at=datetime.fromisoformat(moment))
        wanted = date.fromisoformat(day)
        counts = [
            alice.api.get(f"/api/v1/followups?date={wanted + timedelta(days=days)}").data["count"]
            for days in (-1, 0, 1)
        ]
        assert counts == [0, 1, 0]

    def test_overdue_first_and_whose(self, alice, bob, customer, make_customer):
        mine, soon = make_customer(alice), make_customer(alice)
        with time_machine.travel(NOW, tick=False):
            with organization_scope(alice.organization):
                for one, hours in ((customer, -48), (mine, -1), (soon, 3)):
                    at = NOW + timedelta(hours=hours)
                    customers.set_follow_up(customer=one, at=at, actor=alice.actor)

            def asked(**query: Any) -> list[str]:
                rows = alice.api.get("/api/v1/followups", query).data["results"]
                return [row["id"] for row in rows]

            one, two, three = (str(c.pk) for c in (customer, mine, soon))
            assert asked() == [two, three]
            assert asked(overdue="true") == [one, two]
            assert asked(date="2026-06-10", overdue="true") == [one, two, three]
            assert asked(overdue="true", assigned_to="me") == [two]
            assert [row["id"] for row in bob.api.get("/api/v1/followups?overdue=true").data["results"]] == [one]
        assert refused(alice.api.get("/api/v1/followups?date=tomorrow")) == (400, "date")

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    def test_the_ends_of_time_are_no_failure(self, alice, day):
        assert alice.api.get(f"/api/v1/followups?date={day}").status_code in (200, 400)

    def test_set_and_cleared_for_one(self, alice, bob, charlie, customer):
        url = f"/api/v1/customers/{customer.pk}/followups"
        answer = alice.api.post(url, {"next_follow_up_at": "2027-02-01T09:00:00Z"}, format="json")
        assert answer.data["next_follow_up_at"] == "2027-02-01T09:00:00Z"
        assert alice.api.get(url).data["count"] == 1
        assert alice.api.get(f"{url}?date=2027-02-02").data["count"] == 0
        assert bob.api.post(url, {"minutes_from_now": 5}, format="json").status_code == 200
        assert bob.api.post(url, {}, format="json").data["next_follow_up_at"] is None
        assert alice.api.get(url).data["count"] == 0
        assert charlie.api.get(url).status_code == 404
        assert refused(alice.api.post(url, {"minutes_from_now": 0}, format="json")) == (400, "minutes_from_now")


class TestRecurringTasks:
    def test_done_makes_the_next_once(self, alice):
        with time_machine.travel(NOW, tick=False):
            body = {"title": "Order gloves", "due_at": "2026-06-08T09:00:00Z", "repeat_unit": "week"}
            made = alice.api.post("/api/v1/tasks", body, format="json").data
            url = f"/api/v1/tasks/{made['id']}"
            for status in ("done", "open", "done"):
                assert alice.api.patch(url, {"status": status}, format="json").status_code == 200
            rows = alice.api.get("/api/v1/tasks?status=open").data["results"]
        assert [(row["title"], row["due_at"]) for row in rows] == [("Order gloves", "2026-06-15T09:00:00Z")]
        assert rows[0]["series"] == made["id"]

    def test_it_ends_on_its_last_day_and_needs_a_first(self, alice):
        body: Any = {
            "title": "Call",
            "due_at": "2026-06-08T09:00:00Z",
            "repeat_unit": "day",
            "repeat_until": "2026-06-10",
        }
        with time_machine.travel(NOW, tick=False):
            made = alice.api.post("/api/v1/tasks", body, format="json").data
            alice.api.patch(f"/api/v1/tasks/{made['id']}", {"status": "done"}, format="json")
        assert alice.api.get("/api/v1/tasks?status=open").data["count"] == 0
        assert refused(alice.api.post("/api/v1/tasks", {"title": "X", "repeat_unit": "day"}, format="json")) == (
            400, "due_at",
        )  # fmt: skip
        body = {"title": "X", "repeat_unit": "day", "due_at": "2026-06-08T09:00:00Z", "repeat_every": 0}
        assert refused(alice.api.post("/api/v1/tasks", body, format="json")) == (400, "repeat_every")

    @pytest.mark.django_db(transaction=True)
    def test_done_by_two_at_once_it_comes_once(self, alice):
        body = {"title": "Order gloves", "due_at": "2026-06-08T09:00:00Z", "repeat_unit": "week"}
        made = alice.api.post("/api/v1/tasks", body, format="json").data
        callers = [alice.api for _ in range(4)]
        url = f"/api/v1/tasks/{made['id']}"
        in_threads(lambda n: callers[n].patch(url, {"status": "done"}, format="json").status_code, 4)
        with organization_scope(alice.organization):
            assert Task.objects.filter(series=made["id"]).count() == 2
