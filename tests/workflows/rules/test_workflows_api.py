"""Rules by API: the contract of `/workflows`, what is refused, and who sees what."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.credentials import api_keys
from accounts.models import Member
from accounts.permissions import CATALOG
from accounts.roles import services as roles
from activity.models import Event
from activity.registry import triggers
from core.tenancy import every_organization
from customers.models import CustomField
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from messaging.models import Message
from tests.conftest import Person
from tests.workflows.conftest import work
from workflows.models import Workflow, WorkflowRun, WorkflowVersion
from workflows.rules import services
from workflows.rules.dry_run import dry_run
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db

URL = "/api/v1/workflows"
RULE: Any = {
    "name": "Mark who asks for the price",
    "trigger_event": "message.received",
    "conditions": {"message_body__icontains": "price"},
    "actions": [{"action": "add_tag", "tag": "price"}],
}


def refused(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["errors"][0]["attr"]


@pytest.fixture
def rule(alice: Person, without_rules: None) -> str:
    answer = alice.api.post(URL, RULE, format="json")
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["id"])


class TestRules:
    def test_a_rule_is_made_changed_and_deleted(self, alice, rule):
        made = alice.api.get(f"{URL}/{rule}").json()
        assert made | RULE == made
        assert (made["is_enabled"], made["position"], made["stop_after"], made["version"]) == (True, 0, False, 1)
        changed = alice.api.patch(f"{URL}/{rule}", {"name": "Price", "is_enabled": False}, format="json").json()
        assert (changed["name"], changed["is_enabled"], changed["version"]) == ("Price", False, 2)
        assert alice.api.patch(f"{URL}/{rule}", {"is_enabled": True}, format="json").json()["version"] == 2
        replaced = alice.api.put(f"{URL}/{rule}", {**RULE, "conditions": {}}, format="json").json()
        assert (replaced["conditions"], replaced["version"]) == ({}, 3)
        assert [one.number for one in WorkflowVersion.objects.order_by("number")] == [1, 2, 3]
        assert WorkflowVersion.objects.get(number=1).content["conditions"] == RULE["conditions"]
        assert alice.api.delete(f"{URL}/{rule}").status_code == 204
        assert alice.api.get(f"{URL}/{rule}").status_code == 404
        types = Event.objects.filter(type__startswith="workflow.").order_by("id").values_list("type", flat=True)
        assert list(types) == ["workflow.created", *["workflow.changed"] * 3, "workflow.deleted"]

    def test_what_somebody_else_changed_is_not_overwritten(self, alice, rule):
        tag = alice.api.get(f"{URL}/{rule}").headers["ETag"]
        alice.api.patch(f"{URL}/{rule}", {"name": "Other"}, format="json")
        answer = alice.api.patch(f"{URL}/{rule}", {"name": "Mine"}, format="json", headers={"If-Match": tag})
        assert answer.status_code == 412

    def test_the_order_is_set(self, alice, rule):
        other = alice.api.post(URL, {**RULE, "name": "Second"}, format="json").json()["id"]
        assert [one["name"] for one in alice.api.get(URL).json()["results"]] == [RULE["name"], "Second"]
        assert alice.api.post(f"{URL}/order", {"ids": [other, rule]}, format="json").status_code == 204
        assert [one["name"] for one in alice.api.get(URL).json()["results"]] == ["Second", RULE["name"]]
        assert refused(alice.api.post(f"{URL}/order", {"ids": [other]}, format="json")) == (400, "ids")

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"trigger_event": "nothing.happened"}, "trigger_event"),
            ({"trigger_event": "message.queued"}, "trigger_event"),
            ({"conditions": {"colour": "red"}}, "conditions.colour"),
            ({"conditions": {"outcome_type": "x"}}, "conditions.outcome_type"),
            ({"conditions": {"customer_stage": "nowhere"}}, "conditions.customer_stage"),
            ({"conditions": {"is_new_customer": "yes"}}, "conditions.is_new_customer"),
            ({"conditions": {"any": []}}, "conditions.any"),
            ({"conditions": [1]}, "conditions"),
            ({"actions": []}, "actions"),
            ({"actions": [{"action": "explode"}]}, "actions[0].action"),
            ({"actions": [{"action": "call_webhook"}]}, "actions[0].action"),
            ({"actions": [{"action": "add_tag"}]}, "actions[0].tag"),
            ({"actions": [{"action": "add_tag", "tag": ""}]}, "actions[0].tag"),
            ({"actions": [{"action": "add_tag", "tag": "a", "colour": "red"}]}, "actions[0].colour"),
            ({"actions": [{"action": "set_stage", "stage": "nowhere"}]}, "actions[0].stage"),
            ({"actions": [{"action": "send_template", "template": "none"}]}, "actions[0].template"),
            ({"actions": [{"action": "send_text", "body": "Hi {{ customer.name"}]}, "actions[0].body"),
            ({"actions": [{"action": "send_text", "body": "Hi", "delay_minutes": -1}]}, "actions[0].delay_minutes"),
            ({"actions": [{"action": "send_text", "body": "Hi", "delay_minutes": True}]}, "actions[0].delay_minutes"),
            ({"actions": [{"action": "send_text", "body": "Hi", "channel": "fax"}]}, "actions[0].channel"),
            ({"actions": [{"action": "assign", "to": "0190a0a0-0000-7000-8000-000000000000"}]}, "actions[0].to"),
            ({"actions": [{"action": "set_follow_up", "days": 10**9}]}, "actions[0].days"),
            ({"name": ""}, "name"),
            ({"hours": "never"}, "hours"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_is_wrong_is_refused_at_its_place(self, alice, rule, change, place):
        assert refused(alice.api.post(URL, {**RULE, **change}, format="json")) == (400, place)
        assert refused(alice.api.patch(f"{URL}/{rule}", change, format="json")) == (400, place)
        assert Workflow.objects.count() == 1

    def test_another_trigger_asks_again_whether_its_conditions_fit(self, alice, rule):
        answer = alice.api.patch(f"{URL}/{rule}", {"trigger_event": "deal.won"}, format="json")
        assert refused(answer) == (400, "conditions.message_body")

    def test_an_own_field_and_the_events_own_are_asked_for(self, alice, without_rules):
        custom_fields.create(
            organization=alice.organization, actor=alice.actor, entity=CustomField.Entity.CUSTOMER, key="size",
            label="Size", type="number",
        )  # fmt: skip
        conditions = {"custom.size__gt": 3, "tag": "vip"}
        body = {**RULE, "trigger_event": "customer.tag_added", "conditions": conditions}
        assert alice.api.post(URL, body, format="json").status_code == 201
        body["conditions"] = {"custom.size__gt": "large"}
        assert refused(alice.api.post(URL, body, format="json")) == (400, "conditions.custom.size")

    def test_the_catalog_names_what_there_is(self, alice, without_rules, django_assert_num_queries):
        catalog = alice.api.get(f"{URL}/catalog").json()
        assert [one["event_type"] for one in catalog["triggers"]] == triggers()
        fields = {one["name"]: one for one in catalog["condition_fields"]}
        assert fields["customer_stage"]["choices"]["contacted"] == "Contacted"
        assert "icontains" in fields["message_body"]["operators"]
        received = next(one for one in catalog["triggers"] if one["event_type"] == "message.received")
        assert [step["name"] for step in catalog["control_steps"]] == ["wait", "branch", "split"]
        assert catalog["cancel_on"]["reply"] == "the customer writes"
        assert {"message_body", "is_new_customer", "business_hours"} <= set(received["condition_fields"])
        actions = {one["name"]: one for one in catalog["actions"]}
        assert [(one["name"], one["is_required"]) for one in actions["notify"]["parameters"]] == [
            ("text", True), ("to", False)
        ]  # fmt: skip
        assert [(one["name"], one["is_required"]) for one in actions["add_tag"]["parameters"]] == [("tag", True)]
        assert "welcome" in actions["send_template"]["parameters"][0]["choices"]

    def test_the_same_number_of_queries_for_any_number(self, alice, without_rules, django_assert_max_num_queries):
        for number in range(15):
            values: Any = {**RULE, "name": f"R{number}"}
            services.create(organization=alice.organization, actor=alice.actor, values=values)
        api = alice.api
        with django_assert_max_num_queries(8):
            assert len(api.get(URL).json()["results"]) == 15


def test_a_new_organization_has_its_packs_rules_switched_off(charlie, alice):
    with every_organization("both"):
        rows = Workflow.objects.filter(organization=alice.organization)
        assert {row.key for row in rows} >= {"greet", "price_asked", "quiet_leads"}
        assert not any(row.is_enabled for row in rows)
        assert all(row.versions.count() == 1 for row in rows)
    for one in alice.api.get(URL).json()["results"]:
        answer = alice.api.patch(f"{URL}/{one['id']}", {"actions": one["actions"]}, format="json")
        assert answer.status_code == 200, answer.json()


class TestWhoSeesWhat:
    @pytest.fixture
    def run(self, alice, bob, make_rule, make_customer) -> WorkflowRun:
        make_rule("customer.created", {}, [{"action": "add_tag", "tag": "new here"}])
        make_customer(bob, name="Of Bob")
        make_customer(alice, name="Of Alice")
        work()
        return WorkflowRun.objects.get(
            event__customer_id=Event.objects.filter(type="customer.created").order_by("-id").first().customer_id
        )

    def test_an_administrator_sees_every_run_and_a_manager_the_teams(self, alice, mona, run):
        url = f"{URL}/{run.workflow_id}/runs"
        assert len(alice.api.get(url).json()["results"]) == 2
        assert len(mona.api.get(url).json()["results"]) == 1, "Bob's is her team's"
        assert mona.api.get(f"/api/v1/workflow-runs/{run.pk}").status_code == 404
        body = alice.api.get(f"/api/v1/workflow-runs/{run.pk}").json()
        assert (body["status"], body["event_type"], body["steps"][0]["status"]) == ("done", "customer.created", "done")

    def test_who_may_not_see_rules_is_refused(self, bob, mona, alice, run):
        pk = run.workflow_id
        for path in ("", "/catalog", f"/{pk}", f"/{pk}/runs", "/outgoing"):
            assert bob.api.get(f"{URL}{path}").status_code == 403, path
        assert mona.api.get(URL).status_code == 200
        for method, path, body in (
            ("post", "", RULE), ("patch", f"/{pk}", {"name": "x"}), ("put", f"/{pk}", RULE), ("delete", f"/{pk}", None),
            ("post", "/order", {"ids": []}), ("post", f"/{pk}/dry-run", {}),
            ("post", "/outgoing/cancel", {"workflow": str(pk)}),
        ):  # fmt: skip
            assert getattr(mona.api, method)(f"{URL}{path}", body, format="json").status_code == 403, path
        assert mona.api.post(f"/api/v1/workflow-runs/{run.pk}/retry").status_code == 403

    def test_another_organization_finds_nothing(self, charlie, run):
        pk = run.workflow_id
        for method, path in (
            ("get", f"{URL}/{pk}"), ("patch", f"{URL}/{pk}"), ("delete", f"{URL}/{pk}"), ("get", f"{URL}/{pk}/runs"),
            ("post", f"{URL}/{pk}/dry-run"), ("get", f"/api/v1/workflow-runs/{run.pk}"),
            ("post", f"/api/v1/workflow-runs/{run.pk}/retry"),
            ("get", f"/api/v1/customers/{run.event.customer_id}/workflow-decisions"),
        ):  # fmt: skip
            assert getattr(charlie.api, method)(path, {}, format="json").status_code == 404, path

    def test_why_not_is_reported_of_a_customer_within_reach(self, alice, mona, bob, run):
        url = f"/api/v1/customers/{run.event.customer_id}/workflow-decisions"
        (entry,) = alice.api.get(url).json()["results"]
        assert (entry["event_type"], entry["decisions"][0]["reason"]) == ("customer.created", "matched")
        assert mona.api.get(url).status_code == 404
        assert alice.api.get(url.replace("customers", "leads")).json()["results"] == [entry]

    def test_a_run_that_failed_is_retried(self, alice, run):
        assert alice.api.post(f"/api/v1/workflow-runs/{run.pk}/retry").status_code == 409
        WorkflowRun.objects.filter(pk=run.pk).update(status="failed", steps=[])
        body = alice.api.post(f"/api/v1/workflow-runs/{run.pk}/retry").json()
        assert (body["status"], body["tries"]) == ("done", 2)
        assert Event.objects.get(type="workflow.run_retried").payload["status"] == "done"


def digest() -> dict[str, str]:
    """Of the rows of each table, as the database keeps them."""
    result = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
            result[table] = hashlib.sha256("".join(rows).encode()).hexdigest()
    return result


class TestDryRun:
    def test_it_says_what_would_have_been_done_and_changes_nothing(self, alice, receive, rule):
        services.update(workflow=Workflow.objects.get(), actor=alice.actor, changes={"is_enabled": False})
        receive("The price?")
        receive("Good morning", sender="+447700900778")
        work()
        api = alice.api
        before = digest()
        body = api.post(f"{URL}/{rule}/dry-run", {}, format="json").json()
        assert digest() == before
        assert body["is_complete"] is True
        newest, oldest = body["matches"]
        assert (newest["matches"], newest["reason"], newest["actions"]) == (False, "conditions", [])
        assert newest["conditions"][0]["seen"] == "Good morning"
        assert (oldest["matches"], oldest["actions"]) == (True, RULE["actions"])
        one = api.post(f"{URL}/{rule}/dry-run", {"event": oldest["event_id"]}, format="json").json()["matches"]
        assert one == [oldest]

    def test_what_can_not_be_tried_is_refused(self, alice, rule):
        other = Event.objects.filter(type="organization.created").first()
        for body, place in (
            ({"event": str(other.pk)}, "event"),
            ({"since": "2026-02-01T00:00Z", "until": "2026-01-01T00:00Z"}, "since"),
            ({"since": "2020-01-01T00:00Z"}, "since"),
            ({"colour": "red"}, "colour"),
        ):
            assert refused(alice.api.post(f"{URL}/{rule}/dry-run", body, format="json")) == (400, place)

    def test_only_about_customers_within_reach(self, alice, mona, bob, make_customer, make_rule):
        made = make_rule("customer.created", {}, RULE["actions"], is_enabled=False)
        make_customer(bob)
        make_customer(alice)
        url = f"{URL}/{made.pk}/dry-run"
        assert len(alice.api.post(url, {}, format="json").json()["matches"]) == 2
        assert len(dry_run(workflow=made, member=mona.member).trials) == 1

    def test_at_most_so_many(self, alice, make_rule, make_customer, monkeypatch):
        monkeypatch.setattr("workflows.rules.dry_run.MAX_EVENTS", 2)
        made = make_rule("customer.created", {}, RULE["actions"], is_enabled=False)
        for _number in range(3):
            make_customer()
        body = alice.api.post(f"{URL}/{made.pk}/dry-run", {}, format="json").json()
        assert (len(body["matches"]), body["is_complete"]) == (2, False)


class TestOutgoing:
    @pytest.fixture
    def waiting(self, make_rule, receive) -> Message:
        make_rule("message.received", {}, [{"action": "send_text", "body": "Still there?", "delay_minutes": 600}])
        receive()
        work()
        return Message.objects.get(origin="workflow")

    def test_what_is_to_go_out_is_listed_and_cancelled(self, alice, waiting):
        (row,) = alice.api.get(f"{URL}/outgoing").json()["results"]
        assert (row["id"], row["body"], row["workflow_name"]) == (str(waiting.pk), "Still there?", "A rule")
        assert alice.api.get(f"{URL}/outgoing?to=2020-01-01T00:00Z").json()["results"] == []
        assert len(alice.api.get(f"{URL}/outgoing?from=2020-01-01T00:00Z").json()["results"]) == 1
        assert refused(alice.api.post(f"{URL}/outgoing/cancel", {}, format="json")) == (400, "ids")
        answer = alice.api.post(f"{URL}/outgoing/cancel", {"ids": [str(waiting.pk)]}, format="json")
        assert answer.json() == {"cancelled": 1}
        waiting.refresh_from_db()
        assert waiting.status == "cancelled"
        assert alice.api.get(f"{URL}/outgoing").json()["results"] == []

    def test_a_rules_or_a_customers_are_cancelled(self, alice, waiting):
        workflow = str(Workflow.objects.get().pk)
        nobody = {"workflow": workflow, "customer": "0190a0a0-0000-7000-8000-000000000000"}
        assert alice.api.post(f"{URL}/outgoing/cancel", nobody, format="json").json() == {"cancelled": 0}
        body = {"workflow": workflow, "customer": str(waiting.customer_id)}
        assert alice.api.post(f"{URL}/outgoing/cancel", body, format="json").json() == {"cancelled": 1}

    def test_another_reach_sees_none(self, alice, mona, charlie, waiting):
        customers.assign(customer=waiting.customer, owner=alice.user, actor=alice.actor)
        assert mona.api.get(f"{URL}/outgoing").json()["results"] == []
        assert charlie.api.get(f"{URL}/outgoing").json()["results"] == []
        answer = charlie.api.post(f"{URL}/outgoing/cancel", {"ids": [str(waiting.pk)]}, format="json")
        assert answer.json() == {"cancelled": 0}


class TestNobodyHasARuleDoMoreThanThey:
    def has_role(self, alice: Person, bob: Person, permissions: set[str], reach: str) -> None:
        role = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name=f"Rules {reach}",
            permissions=permissions, reach=reach,
        )  # fmt: skip
        Member.objects.filter(pk=bob.member.pk).update(role=role)

    def test_who_does_not_reach_everybody_sets_up_none(self, alice, bob, rule):
        self.has_role(alice, bob, {p for p in CATALOG if p.split(".")[0] in ("customers", "workflows")}, "assigned")
        mine = {**RULE, "actions": [{"action": "assign", "to": str(bob.user.pk)}]}
        assert bob.api.post(URL, mine, format="json").status_code == 403
        changed: list[Any] = [{"actions": mine["actions"]}, {"conditions": {}}, {"is_enabled": True}]
        for changes in changed:
            assert bob.api.patch(f"{URL}/{rule}", changes, format="json").status_code == 403, changes
        assert bob.api.patch(f"{URL}/{rule}", {"is_enabled": False}, format="json").status_code == 200

    def test_who_may_not_write_to_customers_has_no_rule_write(self, alice, bob, without_rules):
        self.has_role(alice, bob, {"customers.view", "customers.edit", "workflows.create", "workflows.view"}, "all")
        assert bob.api.post(URL, RULE, format="json").status_code == 201
        writes = {**RULE, "actions": [{"action": "send_text", "body": "Hello"}]}
        assert bob.api.post(URL, writes, format="json").status_code == 403

    @pytest.mark.parametrize("name", ["start_sequence", "stop_sequence"])
    def test_who_puts_nobody_into_sequences_has_no_rule_do_so(self, alice, bob, without_rules, name):
        steps: Any = [{"delay_minutes": 0, "action": {"action": "add_tag", "tag": "chased"}}]
        values: Any = {"name": "Chase", "steps": steps, "is_enabled": True}
        sequence = sequences.create(organization=alice.organization, actor=alice.actor, values=values)
        acts = {**RULE, "actions": [{"action": name, "sequence": str(sequence.pk)}]}
        own = {"customers.view", "customers.edit", "workflows.create", "workflows.view"}
        self.has_role(alice, bob, own, "all")
        assert bob.api.post(URL, acts, format="json").status_code == 403
        assert alice.api.post(URL, acts, format="json").status_code == 201

    def test_a_key_has_no_rule_do_what_the_key_may_not(self, alice, without_rules):
        _key, secret = api_keys.issue(
            member=alice.member, name="Rules", actor=alice.actor, scopes=["workflows.create", "workflows.view"]
        )
        answer = APIClient(headers={"X-API-Key": secret}).post(URL, RULE, format="json")
        assert answer.status_code == 403, answer.json()
