"""Pipeline, actions, processes, outcomes and follow-ups through the API."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity import jobs
from core.tenancy import organization_scope
from customers.models import Customer, Interaction, OutcomeType, Process, Stage, StageChange
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.work.processes import services as processes
from customers.work.tasks import services as tasks
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)


@pytest.fixture
def customer(alice, bob, make_customer):
    return make_customer(bob)


def refused(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.data["errors"][0]["attr"]


class TestSmallSystems:
    """The calls 4, 5 and 6 that a small clinic's system makes, word for word but for its ids."""

    def test_a_deal_without_a_title_an_interaction_and_who_is_due(self, alice):
        made = alice.api.post(
            "/api/v1/customers",
            {"name": "Acme Ltd", "email": "sales@acme.example", "next_follow_up_at": "2026-01-22T09:00:00Z"},
            format="json",
        ).data
        deal = alice.api.post(
            f"/api/v1/customers/{made['id']}/deals", {"amount": 1200, "status": "open"}, format="json"
        )
        assert (deal.status_code, deal.data["title"], deal.data["amount"]) == (201, "Acme Ltd", "1200.00")
        body = {"channel": "call", "direction": "outbound", "content": "Intro call completed."}
        logged = alice.api.post(f"/api/v1/customers/{made['id']}/interactions", body, format="json")
        assert logged.status_code == 201
        due = alice.api.get("/api/v1/followups?date=2026-01-22")
        assert [row["id"] for row in due.data["results"]] == [made["id"]]
        assert alice.api.get("/api/v1/followups?date=2026-01-23").data["count"] == 0


class TestSummary:
    def test_every_stage_is_counted_with_value_overdue_and_age(self, alice, customer, make_customer):
        late = make_customer()
        with organization_scope(alice.organization):
            at = timezone.now() - timedelta(days=30)
            Customer.objects.filter(pk=late.pk).update(last_activity_at=at, stage_since=at)
            deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        answer = alice.api.get("/api/v1/pipeline/summary").data
        assert [row["stage"] for row in answer["stages"]] == [
            "new", "engaged", "contacted", "consult_booked", "deposit_paid", "treatment_done", "lost",
        ]  # fmt: skip
        first = answer["stages"][0]
        assert (first["name"], first["kind"], first["count"], first["value"]) == ("New", "open", 2, "100.00")
        assert (first["overdue"], first["average_days"]) == (1, 15.0)
        assert answer["totals"] == {"count": 2, "value": "100.00", "overdue": 1}
        assert answer["currency"] == "GBP"

    def test_it_is_filtered_like_the_list_and_by_reach(self, alice, bob, charlie, customer, make_customer):
        make_customer()
        url = "/api/v1/pipeline/summary"
        assert alice.api.get(url, {"assigned_to": str(bob.user.pk)}).data["totals"]["count"] == 1
        assert bob.api.get(url).data["totals"]["count"] == 1
        assert charlie.api.get(url).data["totals"]["count"] == 0
        assert refused(alice.api.get(url, {"stag": "new"})) == (400, "stag")

    @pytest.mark.parametrize("rows", [1, 40])
    def test_the_same_queries_for_any_number(self, alice, make_customer, rows):
        for _ in range(rows):
            make_customer()
        api = alice.api
        api.get("/api/v1/pipeline/summary")
        with CaptureQueriesContext(connection) as queries:
            api.get("/api/v1/pipeline/summary")
        assert len(queries) <= 7


class TestDealSums:
    def test_totals_by_currency_stages_and_months(self, alice, bob, charlie, customer):
        with time_machine.travel(NOW, tick=False), organization_scope(alice.organization):
            new = {"customer": customer, "actor": alice.actor}
            deals.create(title="Braces", amount=1000, expected_close_on=date(2026, 7, 1), owner=bob.user, **new)
            won = deals.create(title="Crown", amount=300, **new)
            deals.update(deal=won, actor=alice.actor, changes={"status": "won"})
            deals.create(title="Abroad", amount=70, currency="EUR", **new)
            answer = alice.api.get("/api/v1/deals/summary").data
        first = answer["totals"][0]
        assert (first["currency"], first["count"], first["open"], first["weighted"], first["won"]) == (
            "GBP", 2, "1000.00", "50.00", "300.00",
        )  # fmt: skip
        assert answer["totals"][1]["currency"] == "EUR"
        assert (answer["by_stage"][0]["stage"], answer["by_stage"][0]["value"]) == ("new", "1000.00")
        months = {row["month"]: row for row in answer["by_month"]}
        assert (months["2026-07"]["weighted"], months["2026-06"]["won"]) == ("50.00", "300.00")
        assert bob.api.get("/api/v1/deals/summary?owner=me").data["totals"][0]["count"] == 1
        assert charlie.api.get("/api/v1/deals/summary").data["totals"] == []


class TestStages:
    URL = "/api/v1/pipeline/stages"

    def test_made_read_changed_and_taken_away(self, alice):
        made = alice.api.post(self.URL, {"name": "Second talk", "sla_hours": 24, "color": "teal"}, format="json")
        assert (made.status_code, made.data["key"], made.data["position"]) == (201, "second_talk", 5)
        url = f"{self.URL}/{made.data['id']}"
        assert alice.api.get(url).data == made.data
        changed = alice.api.patch(url, {"name": "Talk", "position": 0}, format="json")
        assert (changed.data["name"], alice.api.get(self.URL).data["results"][0]["key"]) == ("Talk", "second_talk")
        assert refused(alice.api.patch(url, {"key": "talk"}, format="json")) == (400, "key")
        replaced = alice.api.put(url, {"name": "Bare"}, format="json").data
        assert (replaced["sla_hours"], replaced["color"]) == (None, "slate")
        assert alice.api.delete(url).status_code == 204
        assert alice.api.get(url).status_code == 404

    def test_one_in_use_asks_for_a_home(self, alice, customer):
        with organization_scope(alice.organization):
            url = f"{self.URL}/{Stage.objects.get(key='new').pk}"
        answer = alice.api.delete(url)
        assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "in_use")
        assert "1 customer" in answer.data["errors"][0]["detail"]
        assert refused(alice.api.delete(f"{url}?home=nowhere")) == (400, "home")
        started = alice.api.delete(f"{url}?home=engaged")
        assert started.status_code == 202
        jobs.run_due()
        assert alice.api.get(f"/api/v1/jobs/{started.data['job_id']}").data["status"] == "done"
        assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["stage"] == "engaged"

    def test_only_who_sets_things_and_only_their_own(self, alice, bob, mona, charlie):
        with organization_scope(alice.organization):
            url = f"{self.URL}/{Stage.objects.get(key='lost').pk}"
        for person in (bob, mona):
            assert person.api.get(url).status_code == 200
            assert person.api.patch(url, {"name": "X"}, format="json").status_code == 403
            assert person.api.post(self.URL, {"name": "X"}, format="json").status_code == 403
            assert person.api.delete(url).status_code == 403
        for call in (charlie.api.get, charlie.api.delete):
            assert call(url).status_code == 404

    def test_a_change_can_be_made_conditional(self, alice):
        with organization_scope(alice.organization):
            url = f"{self.URL}/{Stage.objects.get(key='lost').pk}"
        tag = alice.api.get(url).headers["ETag"]
        assert alice.api.patch(url, {"name": "Gone"}, format="json", HTTP_IF_MATCH=tag).status_code == 200
        assert alice.api.patch(url, {"name": "Away"}, format="json", HTTP_IF_MATCH=tag).status_code == 412


class TestActions:
    def act(self, person: Any, customer: Any, **more: Any) -> Any:
        body = {"lead_id": str(customer.pk), "action_type": "call", "details": "Rang them", **more}
        return person.api.post("/api/v1/actions", body, format="json")

    def test_the_first_begins_a_process_and_a_later_one_moves_it(self, alice, customer):
        with time_machine.travel(NOW, tick=False):
            made = self.act(alice, customer)
            assert made.status_code == 201, made.data
            assert (made.data["details"], made.data["description"], made.data["lead_id"]) == (
                "Rang them", "Rang them", str(customer.pk),
            )  # fmt: skip
            process = alice.api.get(f"/api/v1/processes?lead_id={customer.pk}").data["results"][0]
            assert process["next_followup_datetime"] == "2026-06-17T10:00:00Z"
            assert (process["name"], process["channel"], process["status"]) == ("Follow-up", "call", "active")
            assert process["last_action_id"] == made.data["id"]
            self.act(alice, customer, occurred_at="2026-06-01T10:00:00Z")
            again = alice.api.get(f"/api/v1/processes/{process['id']}").data
            assert again == process | {"updated_at": again["updated_at"]}
            later = self.act(alice, customer, occurred_at="2026-06-10T12:00:00Z", action_type="WhatsApp").data
            again = alice.api.get(f"/api/v1/processes/{process['id']}").data
            assert (again["last_action_id"], again["next_followup_datetime"]) == (later["id"], "2026-06-17T12:00:00Z")
        assert alice.api.get(f"/api/v1/actions?lead_id={customer.pk}&action_type=call").data["count"] == 2
        assert alice.api.get(f"/api/v1/processes?customer={customer.pk}").data["count"] == 1

    def test_a_description_says_the_same(self, alice, customer):
        body = {"lead_id": str(customer.pk), "action_type": "note", "description": "Came by"}
        assert alice.api.post("/api/v1/actions", body, format="json").data["details"] == "Came by"
        assert refused(self.act(alice, customer, description="Other")) == (400, "description")

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"details": ""}, "details"), ({"action_type": "smoke signals"}, "action_type"),
         ({"lead_id": "7"}, "lead_id"), ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_at"),
         ({"extra": 1}, "extra")],
        ids=["empty", "type", "lead", "future", "unknown"],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, alice, customer, body, field):
        assert refused(self.act(alice, customer, **body)) == (400, field)
        with organization_scope(alice.organization):
            assert not Process.objects.exists()

    def test_it_is_changed_and_deleted(self, alice, customer):
        url = f"/api/v1/actions/{self.act(alice, customer).data['id']}"
        assert alice.api.patch(url, {"details": "Rang twice"}, format="json").data["description"] == "Rang twice"
        assert alice.api.delete(url).status_code == 204
        assert alice.api.get(f"/api/v1/processes?lead_id={customer.pk}").data["results"][0]["last_action_id"] is None

    def test_who_does_not_see_the_lead_sees_no_action(self, alice, bob, charlie, make_customer):
        other = make_customer()
        url = f"/api/v1/actions/{self.act(alice, other).data['id']}"
        process = alice.api.get("/api/v1/processes").data["results"][0]
        for person in (bob, charlie):
            assert person.api.get(url).status_code == 404
            assert person.api.get("/api/v1/actions").data["count"] == 0
            assert person.api.get(f"/api/v1/processes/{process['id']}").status_code == 404
            assert person.api.post(f"/api/v1/processes/{process['id']}/cancel").status_code == 404
            assert refused(self.act(person, other)) == (400, "lead_id")

    @pytest.mark.django_db(transaction=True)
    def test_eight_first_actions_at_once(self, alice, customer):
        callers = [alice.api for _ in range(8)]
        body = {"lead_id": str(customer.pk), "action_type": "call"}

        def call(number: int) -> Any:
            given = body | {"details": f"Action {number}"}
            return callers[number].post("/api/v1/actions", given, format="json").status_code

        assert in_threads(call, 8) == [201] * 8
        with organization_scope(alice.organization):
            assert Interaction.objects.filter(customer=customer).count() == 8
            process = Process.objects.get(customer=customer)
            assert process.last_action_at == max(Interaction.objects.values_list("occurred_at", flat=True))


class TestProcesses:
    def test_begun_paused_resumed_cancelled_and_deleted(self, alice, customer):
        body = {"lead_id": str(customer.pk), "name": "Win back", "next_followup_datetime": "2027-01-05T10:00:00Z"}
        made = alice.api.post("/api/v1/processes", body, format="json")
        assert (made.status_code, made.data["sequence"], made.data["status"]) == (201, None, "active")
        url = f"/api/v1/processes/{made.data['id']}"

        def due() -> str | None:
            return alice.api.get(f"/api/v1/customers/{customer.pk}").data["next_follow_up_at"]

        assert due() == "2027-01-05T10:00:00Z"
        assert alice.api.post("/api/v1/processes", body, format="json").status_code == 409
        assert (alice.api.post(f"{url}/pause").data["status"], due()) == ("paused", None)
        assert (alice.api.post(f"{url}/resume").data["status"], due()) == ("active", "2027-01-05T10:00:00Z")
        changed = alice.api.patch(url, {"next_followup_datetime": "2027-01-06T10:00:00Z"}, format="json")
        assert (changed.status_code, due()) == (200, "2027-01-06T10:00:00Z")
        assert (alice.api.post(f"{url}/cancel").data["status"], due()) == ("cancelled", None)
        answer = alice.api.post(f"{url}/resume")
        assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "ended")
        assert alice.api.delete(url).status_code == 204


class TestOutcomes:
    def test_recorded_filtered_corrected_and_deleted(self, alice, bob, customer):
        body = {"customer": str(customer.pk), "type": "deposit_paid", "amount": "250.00", "note": "Card"}
        made = bob.api.post("/api/v1/outcomes", body, format="json")
        assert made.status_code == 201, made.data
        assert (made.data["currency"], made.data["author"]) == ("GBP", "Bob Reyes")
        assert bob.api.get(f"/api/v1/customers/{customer.pk}").data["stage"] == "deposit_paid"
        listed = alice.api.get("/api/v1/outcomes?type=deposit_paid&occurred_from=2020-01-01T00:00:00Z").data
        assert (listed["count"], listed["results"][0]) == (1, made.data)
        assert alice.api.get("/api/v1/outcomes?type=lost").data["count"] == 0
        assert alice.api.get(f"/api/v1/leads/{customer.pk}/outcomes").data["count"] == 1
        url = f"/api/v1/outcomes/{made.data['id']}"
        assert alice.api.patch(url, {"amount": None}, format="json").data["amount"] is None
        assert refused(alice.api.patch(url, {"type": "unheard_of"}, format="json")) == (400, "type")
        assert alice.api.delete(url).status_code == 204

    def test_the_same_key_records_once(self, alice, customer):
        body = {"customer": str(customer.pk), "type": "consult_booked"}
        answers = [
            alice.api.post("/api/v1/outcomes", body, format="json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2)
        ]
        assert answers[0].data == answers[1].data
        assert alice.api.get("/api/v1/outcomes").data["count"] == 1

    def test_walls(self, alice, bob, charlie, make_customer):
        other = make_customer()
        body = {"customer": str(other.pk), "type": "lost"}
        url = f"/api/v1/outcomes/{alice.api.post('/api/v1/outcomes', body, format='json').data['id']}"
        for person in (bob, charlie):
            assert person.api.get(url).status_code == 404
            assert person.api.get("/api/v1/outcomes").data["count"] == 0
            assert refused(person.api.post("/api/v1/outcomes", body, format="json"))[0] == 400

    def test_types_are_the_organizations_own(self, alice, bob, charlie, customer):
        made = alice.api.post("/api/v1/outcome-types", {"name": "Review", "has_amount": False}, format="json")
        assert (made.status_code, made.data["key"]) == (201, "review")
        url = f"/api/v1/outcome-types/{made.data['id']}"
        assert alice.api.patch(url, {"stage": "lost"}, format="json").data["stage"] == "lost"
        assert bob.api.patch(url, {"stage": None}, format="json").status_code == 403
        assert charlie.api.get(url).status_code == 404
        alice.api.post("/api/v1/outcomes", {"customer": str(customer.pk), "type": "review"}, format="json")
        assert alice.api.delete(url).status_code == 409
        assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["stage"] == "lost"


@pytest.mark.parametrize("path", ["actions", "processes", "outcomes", "followups", "pipeline/stages", "outcome-types"])
@pytest.mark.parametrize("rows", [1, 15])
def test_a_list_takes_the_same_queries_for_any_number_of_rows(alice, bob, make_customer, path, rows):
    with organization_scope(alice.organization):
        kind = OutcomeType.objects.first()
        for _ in range(rows):
            one = make_customer(bob)
            processes.log_action(customer=one, actor=alice.actor, action_type="call", content="Rang")
            outcomes.record_outcome(customer=one, actor=alice.actor, type=kind)
            customers.set_follow_up(customer=one, at=timezone.now(), actor=alice.actor)
    api = alice.api
    api.get(f"/api/v1/{path}")
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(f"/api/v1/{path}?page_size=200")
    assert answer.status_code == 200
    assert len(queries) <= 10


def test_the_history_names_a_stage_that_is_gone(alice, customer):
    with organization_scope(alice.organization):
        stage_moves.move(customer=customer, stage=Stage.objects.get(key="contacted"), actor=alice.actor)
        StageChange.objects.filter(customer=customer).update(from_stage=None)
    rows = alice.api.get(f"/api/v1/customers/{customer.pk}/timeline?types=stage_change").data["results"]
    assert (rows[0]["data"]["from"], rows[0]["data"]["from_name"], rows[0]["data"]["to_name"]) == (
        None, "New", "Contacted",
    )  # fmt: skip


def test_a_task_is_none_of_anothers(alice, bob, charlie):
    with organization_scope(alice.organization):
        task = tasks.create(organization=alice.organization, actor=alice.actor, title="Mine")
    for person in (bob, charlie):
        assert person.api.get(f"/api/v1/tasks/{task.pk}").status_code == 404
