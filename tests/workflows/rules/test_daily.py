"""The day that begins and the dates of customers: each recorded once, at the hour of the organization's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from activity.models import Event
from core.tenancy import every_organization
from customers.models import Customer, CustomField, Task
from customers.pipeline.outcomes import services as outcomes
from tests.workflows.conftest import work
from workflows.models import Workflow
from workflows.rules import daily, services
from workflows.rules.daily import Asked, asked_dates
from workflows.rules.editor import starting_points

pytestmark = pytest.mark.django_db

# London: an hour ahead of UTC in summer.
MORNING = datetime(2026, 6, 1, 7, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def zone(alice: Any, charlie: Any) -> None:
    for person in (alice, charlie):
        type(person.organization).objects.filter(pk=person.organization.pk).update(timezone="Europe/London")
    cache.clear()


def record_at(moment: datetime) -> list[Event]:
    """Look as the beat does; what was new of Alice's organization."""
    with time_machine.travel(moment, tick=False), every_organization("the beat looks for all"):
        before = set(Event.objects.values_list("pk", flat=True))
        daily.record_day()
        rows = Event.objects.exclude(pk__in=before).filter(type__in=["schedule.daily", "customer.date_reached"])
        return list(rows.filter(organization__name="Harbour Clinic").order_by("occurred_at", "pk"))


class TestTheDay:
    def test_once_a_day_from_the_hour_on(self, alice):
        assert record_at(MORNING - timedelta(minutes=31)) == []
        assert [event.source_key for event in record_at(MORNING)] == ["2026-06-01"]
        assert record_at(MORNING + timedelta(hours=5)) == []
        cache.clear()
        assert record_at(MORNING + timedelta(hours=15)) == []

    def test_by_its_own_clock_also_when_that_changes(self, alice):
        # In winter eight in London is eight in UTC; on 25 October the clocks went back.
        assert record_at(datetime(2026, 10, 24, 7, 0, tzinfo=UTC)) != []
        assert record_at(datetime(2026, 10, 25, 7, 30, tzinfo=UTC)) == []
        assert record_at(datetime(2026, 10, 25, 8, 0, tzinfo=UTC)) != []

    def test_after_an_outage_only_today(self, alice):
        record_at(MORNING)
        assert [event.source_key for event in record_at(MORNING + timedelta(days=9))] == ["2026-06-10"]

    def test_a_rule_of_the_day_makes_its_task(self, make_rule, alice):
        make_rule("schedule.daily", {}, [{"action": "create_task", "title": "Look at the day"}])
        record_at(MORNING)
        work()
        assert Task.objects.filter(title="Look at the day", customer=None).count() == 1


@pytest.fixture
def born(make_customer: Any, inside: Any) -> Any:
    """`born("1990-06-01")`: a customer whose date of birth it is."""

    def make(value: str | None, key: str = "birth_date") -> Customer:
        customer = make_customer()
        Customer.objects.filter(pk=customer.pk).update(custom_fields={key: value} if value else {})
        return customer

    return make


def reached(events: list[Event]) -> dict[Any, dict[str, object]]:
    return {event.customer_id: event.payload for event in events if event.type == "customer.date_reached"}


class TestDates:
    @pytest.fixture
    def birthday(self, make_rule: Any) -> Workflow:
        conditions = {"date_field": "birth_date", "days_until": 0, "years__gt": 0}
        return make_rule("customer.date_reached", conditions, [{"action": "create_task", "title": "Wish well"}])

    def test_on_the_day_of_any_year_before(self, birthday, born):
        ada, _other, _none, _unborn = born("1990-06-01"), born("1990-06-02"), born(None), born("2027-06-01")
        today = born("2026-06-01")
        payload = {"date_field": "birth_date", "days_until": 0}
        assert reached(record_at(MORNING)) == {ada.pk: {**payload, "years": 36}, today.pk: {**payload, "years": 0}}
        work()
        assert [task.customer_id for task in Task.objects.filter(title="Wish well")] == [ada.pk]

    def test_once_also_where_it_was_killed_on_the_way_or_the_cache_forgets(self, birthday, born, monkeypatch):
        for _ in range(5):
            born("1990-06-01")
        monkeypatch.setattr(daily, "STEP", 2)
        steps, whole = [], daily._record_step

        def killed(*given: Any) -> int:
            steps.append(given)
            if len(steps) == 2:
                raise KeyboardInterrupt
            return whole(*given)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(daily, "_record_step", killed)
            record_at(MORNING)
        assert Event.objects.filter(type="customer.date_reached").count() == 2
        assert len(reached(record_at(MORNING + timedelta(minutes=1)))) == 3
        cache.clear()
        assert record_at(MORNING + timedelta(minutes=2)) == []

    def test_the_29th_of_february_has_its_day_every_year(self, birthday, born):
        leap, plain = born("1992-02-29"), born("1992-02-28")
        assert set(reached(record_at(datetime(2027, 2, 28, 9, tzinfo=UTC)))) == {leap.pk, plain.pk}
        assert set(reached(record_at(datetime(2028, 2, 28, 9, tzinfo=UTC)))) == {plain.pk}
        assert set(reached(record_at(datetime(2028, 2, 29, 9, tzinfo=UTC)))) == {leap.pk}

    def test_nothing_that_no_enabled_rule_asks_for(self, birthday, born, alice):
        born("1990-06-01")
        services.update(workflow=birthday, actor=alice.actor, changes={"is_enabled": False})
        assert reached(record_at(MORNING)) == {}
        # And at once on the day on which it is switched on.
        services.update(workflow=birthday, actor=alice.actor, changes={"is_enabled": True})
        assert len(reached(record_at(MORNING + timedelta(hours=1)))) == 1

    def test_who_was_deleted_and_other_organizations_have_none(self, birthday, born):
        gone = born("1990-06-01")
        Customer.objects.filter(pk=gone.pk).update(deleted_at=MORNING)
        assert reached(record_at(MORNING)) == {}

    def test_some_days_before_or_after(self, make_rule, born):
        make_rule(
            "customer.date_reached", {"date_field": "birth_date", "days_until__in": [2, -1]},
            [{"action": "create_task", "title": "Soon"}],
        )  # fmt: skip
        soon, past, _today = born("2026-06-03"), born("2025-05-31"), born("2026-06-01")
        days_until = {pk: payload["days_until"] for pk, payload in reached(record_at(MORNING)).items()}
        assert days_until == {soon.pk: 2, past.pk: -1}

    def test_who_names_no_days_means_the_day_itself_whatever_others_ask_for(self, make_rule, born):
        make_rule("customer.date_reached", {"date_field": "birth_date"}, [{"action": "create_task", "title": "Today"}])
        make_rule(
            "customer.date_reached", {"date_field": "birth_date", "days_until": 2},
            [{"action": "create_task", "title": "Soon"}],
        )  # fmt: skip
        today, soon = born("1990-06-01"), born("1990-06-03")
        record_at(MORNING)
        work()
        titles = {(task.customer_id, task.title) for task in Task.objects.filter(title__in=["Today", "Soon"])}
        assert titles == {(today.pk, "Today"), (soon.pk, "Soon")}

    def test_a_date_that_is_entered_later_in_the_day_comes_too(self, birthday, born):
        assert reached(record_at(MORNING)) == {}
        late = born("1990-06-01")
        assert set(reached(record_at(MORNING + timedelta(hours=2)))) == {late.pk}

    def test_very_many_take_turns_with_others(self, birthday, born, monkeypatch):
        for _ in range(5):
            born("1990-06-01")
        monkeypatch.setattr(daily, "STEP", 2)
        monkeypatch.setattr(daily, "MAX_STEPS", 1)
        counts = [len(reached(record_at(MORNING + timedelta(minutes=minute)))) for minute in range(4)]
        assert counts == [2, 2, 1, 0]


@pytest.mark.parametrize("days", [31, -31, "2", 1.5, True, [0, 45]])
def test_days_on_which_nobody_looks_are_refused(alice, days):
    key = "days_until__in" if isinstance(days, list) else "days_until"
    body = {
        "name": "X", "trigger_event": "customer.date_reached", "actions": [{"action": "add_note", "body": "x"}],
        "conditions": {"date_field": "birth_date", key: days},
    }  # fmt: skip
    answer = alice.api.post("/api/v1/workflows", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].startswith("conditions")


def test_days_are_not_compared_by_more_or_less(alice):
    body = {
        "name": "X", "trigger_event": "customer.date_reached", "actions": [{"action": "add_note", "body": "x"}],
        "conditions": {"date_field": "birth_date", "days_until__gt": 3},
    }  # fmt: skip
    assert alice.api.post("/api/v1/workflows", body).status_code == 400


@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        ({}, [Asked("a", 0), Asked("b", 0)]),
        ({"date_field": "b"}, [Asked("b", 0)]),
        ({"date_field": "b", "days_until": 3}, [Asked("b", 3)]),
        ({"date_field__in": ["a", "c"], "days_until__in": [0, -2]}, [Asked("a", -2), Asked("a", 0)]),
        ({"date_field": "gone"}, []),
        ({"date_field": "a", "days_until": 31}, []),
        ({"any": [{"field": "date_field", "op": "eq", "value": "a"}]}, [Asked("a", 0)]),
        ({"years__gt": 0, "date_field__neq": "a"}, [Asked("a", 0), Asked("b", 0)]),
    ],
)  # fmt: skip
def test_what_rules_ask_for(conditions, result):
    assert asked_dates([Workflow(conditions=conditions)], ["b", "a"]) == result


class TestStartingPoints:
    """Each as somebody gets it who saves it and switches it on."""

    def begin(self, alice: Any, key: str) -> None:
        Workflow.objects.all().delete()
        point = starting_points.find(alice.organization, key)
        assert point is not None
        values: Any = {**point.content, "is_enabled": True}
        services.create(organization=alice.organization, actor=alice.actor, values=values)

    def test_a_birthday(self, alice, born):
        self.begin(alice, "birthday")
        ada = born("1990-06-01")
        born("2026-06-01")
        record_at(MORNING)
        work()
        task = Task.objects.get()
        assert (task.customer_id, task.title) == (ada.pk, "Wish Customer a happy birthday")

    def test_who_did_not_come(self, alice, make_customer, inside):
        from customers.models import OutcomeType

        self.begin(alice, "no_show_clinic")
        ada = make_customer()
        missed = OutcomeType.objects.get(key="no_show")
        outcomes.record_outcome(customer=ada, type=missed, actor=alice.actor)
        work()
        ada.refresh_from_db()
        assert Task.objects.get().title == "Call Customer: did not come"
        assert "did not come" in ada.tags.values_list("name", flat=True)
        assert ada.next_follow_up_at is not None

    def test_an_open_day(self, alice, born, inside):
        assert starting_points.find(alice.organization, "open_day") is None, "a clinic has no such field"
        CustomField.objects.create(organization=inside, key="open_day", label="Open day", type="date")
        self.begin(alice, "open_day")
        soon, _later = born("2026-06-03", "open_day"), born("2026-06-04", "open_day")
        record_at(MORNING)
        work()
        assert [task.customer_id for task in Task.objects.all()] == [soon.pk]
