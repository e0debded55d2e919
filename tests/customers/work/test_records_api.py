"""Contacts, interactions, deals and tasks through the API, on their own and under a customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers.models import Customer, Deal, Task
from customers.people.custom_fields import services as custom_fields

pytestmark = pytest.mark.django_db

BODIES: dict[str, dict[str, Any]] = {
    "contacts": {"name": "Tobi", "relationship": "student", "birth_date": "2015-04-02", "phone": "07700 900456"},
    "interactions": {"channel": "call", "direction": "inbound", "content": "Asked for a time", "duration_seconds": 120},
    "deals": {"title": "Braces", "amount": "1200.50", "currency": "EUR", "expected_close_on": "2027-01-31"},
    "tasks": {"title": "Send the estimate", "priority": "high", "due_at": "2027-01-05T10:00:00Z"},
}
CHANGES = {
    "contacts": {"name": "Tobias"},
    "interactions": {"content": "Asked for another time"},
    "deals": {"title": "Braces, both"},
    "tasks": {"title": "Send it today"},
}
KINDS = sorted(BODIES)


@pytest.fixture
def customer(alice, bob, make_customer):
    return make_customer(bob)


def made(person, customer, kind, **more):
    answer = person.api.post(f"/api/v1/{kind}", BODIES[kind] | {"customer": str(customer.pk)} | more, format="json")
    assert answer.status_code == 201, answer.data
    return answer.data


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_made_read_changed_replaced_and_deleted(alice, customer, kind):
    row = made(alice, customer, kind)
    url = f"/api/v1/{kind}/{row['id']}"
    assert alice.api.get(url).data == row
    changed = alice.api.patch(url, CHANGES[kind], format="json").data
    assert changed == row | CHANGES[kind] | {"updated_at": changed["updated_at"]}
    bare = {name: BODIES[kind][name] for name in ("name", "title", "content", "channel") if name in BODIES[kind]}
    replaced = alice.api.put(url, bare | {"customer": str(customer.pk)}, format="json")
    assert replaced.status_code == 200, replaced.data
    for name in ("relationship", "phone", "birth_date", "duration_seconds", "expected_close_on", "due_at"):
        assert not replaced.data.get(name), name
    assert alice.api.delete(url).status_code == 204
    assert alice.api.get(url).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_under_a_customer_it_is_bound_to_them(alice, customer, make_customer, kind):
    other = make_customer(alice)
    for name in ("customers", "leads"):
        answer = alice.api.post(f"/api/v1/{name}/{customer.pk}/{kind}", BODIES[kind], format="json")
        assert answer.status_code == 201, answer.data
        assert answer.data["customer"] == str(customer.pk)
    assert alice.api.get(f"/api/v1/customers/{customer.pk}/{kind}").data["count"] == 2
    assert alice.api.get(f"/api/v1/customers/{other.pk}/{kind}").data["count"] == 0
    assert alice.api.get(f"/api/v1/{kind}?customer={customer.pk}").data["count"] == 2
    wrong = alice.api.post(f"/api/v1/customers/{customer.pk}/{kind}", {"customer": str(other.pk)}, format="json")
    assert (wrong.status_code, wrong.data["errors"][0]["attr"]) == (400, "customer")


@pytest.mark.parametrize("kind", KINDS)
def test_what_happened_stands_in_the_ledger(alice, customer, kind):
    row = made(alice, customer, kind)
    alice.api.patch(f"/api/v1/{kind}/{row['id']}", CHANGES[kind], format="json")
    alice.api.delete(f"/api/v1/{kind}/{row['id']}")
    with organization_scope(alice.organization):
        types = list(Event.objects.filter(subject_id=row["id"]).order_by("occurred_at").values_list("type", flat=True))
        assert len(types) == 3
        assert set(Event.objects.filter(subject_id=row["id"]).values_list("customer_id", flat=True)) == {customer.pk}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 15])
def test_a_list_takes_the_same_queries_for_any_number(alice, customer, kind, rows, django_assert_max_num_queries):
    for _ in range(rows):
        made(alice, customer, kind)
    caller = alice.api
    with django_assert_max_num_queries(5):
        answer = caller.get(f"/api/v1/{kind}?page_size=100")
    assert len(answer.data["results"]) == rows


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_sees_or_touches_what_is_not_theirs(alice, bob, charlie, make_customer, kind):
    not_bobs = make_customer(alice)
    row = made(alice, not_bobs, kind)
    url = f"/api/v1/{kind}/{row['id']}"
    for stranger in (bob, charlie):
        caller = stranger.api
        assert caller.get(f"/api/v1/{kind}").data["count"] == 0
        assert caller.get(f"/api/v1/customers/{not_bobs.pk}/{kind}").status_code == 404
        assert caller.get(url).status_code == 404
        assert caller.patch(url, CHANGES[kind], format="json").status_code == 404
        assert caller.delete(url).status_code in (403, 404)
        refused = caller.post(f"/api/v1/{kind}", BODIES[kind] | {"customer": str(not_bobs.pk)}, format="json")
        assert (refused.status_code, refused.data["errors"][0]["attr"]) == (400, "customer")
        assert caller.post(f"/api/v1/customers/{not_bobs.pk}/{kind}", BODIES[kind], format="json").status_code == 404
    assert alice.api.get(url).data == row


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("contacts", {"name": ""}, "name"),
        ("contacts", {"name": "X", "phone": "12"}, "phone"),
        ("contacts", {"name": "X", "email": "no"}, "email"),
        ("contacts", {"name": "X", "birth_date": "yesterday"}, "birth_date"),
        ("contacts", {"name": "X", "custom_fields": {"none": 1}}, "custom_fields.none"),
        ("contacts", {"name": "X", "organization": "mine"}, "organization"),
        ("interactions", {"channel": "pigeon", "content": "x"}, "channel"),
        ("interactions", {"channel": "call", "content": "x", "occurred_at": "2099-01-01T00:00:00Z"}, "occurred_at"),
        ("interactions", {"channel": "call", "content": "x", "duration_seconds": -1}, "duration_seconds"),
        ("deals", {"title": "X", "amount": "-1"}, "amount"),
        ("deals", {"title": "X", "amount": "1.001"}, "amount"),
        ("deals", {"title": "X", "currency": "eur"}, "currency"),
        ("deals", {"title": "X", "stage": "nowhere"}, "stage"),
        ("deals", {"title": "X", "closed_at": "2026-01-01T00:00:00Z"}, "closed_at"),
        ("deals", {"title": "X", "owner": "01980000-0000-7000-8000-000000000000"}, "owner"),
        ("tasks", {"title": ""}, "title"),
        ("tasks", {"title": "X", "priority": "huge"}, "priority"),
        ("tasks", {"title": "X", "due_at": "soon"}, "due_at"),
        ("tasks", {"title": "X", "assigned_to": "nobody"}, "assigned_to"),
    ],
)
def test_bad_input_names_its_field(alice, customer, kind, body, field):
    answer = alice.api.post(f"/api/v1/{kind}", body | {"customer": str(customer.pk)}, format="json")
    assert answer.status_code == 400, answer.data
    assert answer.data["errors"][0]["attr"] == field


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_parameter_names_itself(alice, kind):
    answer = alice.api.get(f"/api/v1/{kind}?colour=red")
    assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "colour")
    assert alice.api.get(f"/api/v1/{kind}?ordering=password").status_code == 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_stays_with_its_customer(alice, customer, make_customer, kind):
    row = made(alice, customer, kind)
    other = str(make_customer(alice).pk)
    answer = alice.api.patch(f"/api/v1/{kind}/{row['id']}", {"customer": other}, format="json")
    assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "customer")


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_conditional(alice, customer, kind):
    row = made(alice, customer, kind)
    url = f"/api/v1/{kind}/{row['id']}"
    tag = alice.api.get(url).headers["ETag"]
    assert alice.api.patch(url, CHANGES[kind], format="json", HTTP_IF_MATCH=tag).status_code == 200
    assert alice.api.patch(url, CHANGES[kind], format="json", HTTP_IF_MATCH=tag).status_code == 412
    assert alice.api.delete(url, HTTP_IF_MATCH=tag).status_code == 412
    assert alice.api.delete(url, HTTP_IF_MATCH="*").status_code == 204


def test_a_deal_is_won_lost_and_opened_again(alice, customer):
    row = made(alice, customer, "deals")
    url = f"/api/v1/deals/{row['id']}"
    won = alice.api.patch(url, {"status": "won"}, format="json").data
    assert won["closed_at"]
    assert alice.api.patch(url, {"status": "open"}, format="json").data["closed_at"] is None
    lost = {"status": "lost", "lost_reason": "price", "closed_at": "2026-11-01T10:00:00Z"}
    assert alice.api.patch(url, lost, format="json").data["closed_at"] == "2026-11-01T10:00:00Z"
    with organization_scope(alice.organization):
        types = set(Event.objects.filter(subject_id=row["id"]).values_list("type", flat=True))
    assert {"deal.created", "deal.updated", "deal.won", "deal.lost"} == types


def test_money_is_a_decimal_text_in_the_organizations_currency(alice, customer):
    answer = alice.api.post(
        "/api/v1/deals", {"title": "X", "customer": str(customer.pk), "amount": "0.10"}, format="json"
    )
    assert (answer.data["amount"], answer.data["currency"]) == ("0.10", "GBP")


def test_a_task_is_done_once(alice, customer):
    row = made(alice, customer, "tasks")
    url = f"/api/v1/tasks/{row['id']}"
    assert alice.api.patch(url, {"status": "done"}, format="json").data["completed_at"]
    alice.api.patch(url, {"title": "x"}, format="json")
    with organization_scope(alice.organization):
        assert Event.objects.filter(type="task.completed").count() == 1
    assert alice.api.patch(url, {"status": "open"}, format="json").data["completed_at"] is None


def test_tasks_are_filtered(alice, bob, customer):
    late = made(alice, customer, "tasks", due_at=(timezone.now() - dt.timedelta(days=1)).isoformat(), assigned_to="me")
    soon = made(alice, customer, "tasks", assigned_to=str(bob.user.pk))
    free = alice.api.post("/api/v1/tasks", {"title": "Nobody's", "status": "done"}, format="json").data

    def ids(query):
        return {row["id"] for row in alice.api.get(f"/api/v1/tasks?{query}").data["results"]}

    assert ids("overdue=true") == {late["id"]}
    assert ids("overdue=false") == {soon["id"], free["id"]}
    assert ids("assigned_to=me") == {late["id"]}
    assert ids("assigned_to=none") == {free["id"]}
    assert ids(f"assigned_to={bob.user.pk}") == {soon["id"]}
    assert ids(f"lead_id={customer.pk}") == {late["id"], soon["id"]}
    assert ids("status=done") == {free["id"]}
    assert ids("due_before=2027-01-01T00:00:00Z") == {late["id"]}


def test_a_task_of_ones_own_is_seen_whosever_the_customer(alice, bob, make_customer):
    row = made(alice, make_customer(alice), "tasks", assigned_to=str(bob.user.pk))
    assert bob.api.get(f"/api/v1/tasks/{row['id']}").status_code == 200
    with organization_scope(alice.organization):
        assert Task.objects.visible_to(bob.member).count() == 1


def test_customers_are_filtered_by_open_tasks(alice, customer, make_customer):
    make_customer(alice)
    made(alice, customer, "tasks")
    found = alice.api.get("/api/v1/customers?has_open_task=true").data["results"]
    assert [row["id"] for row in found] == [str(customer.pk)]
    assert alice.api.get("/api/v1/customers?has_open_task=false").data["count"] == 1


def test_own_fields_of_contacts_and_deals_are_checked(alice, customer):
    with organization_scope(alice.organization):
        for entity in ("contact", "deal"):
            custom_fields.create(
                organization=alice.organization, actor=alice.actor, entity=entity, key="grade", label="Grade",
                type="number",
            )  # fmt: skip
    for kind in ("contacts", "deals"):
        row = made(alice, customer, kind, custom_fields={"grade": 7})
        assert row["custom_fields"] == {"grade": 7}
        url = f"/api/v1/{kind}/{row['id']}"
        wrong = alice.api.patch(url, {"custom_fields": {"grade": "seven"}}, format="json")
        assert wrong.data["errors"][0]["attr"] == "custom_fields.grade"
        assert alice.api.patch(url, {"custom_fields": {"grade": None}}, format="json").data["custom_fields"] == {}


def test_a_deleted_customers_records_are_hidden_with_them(alice, customer):
    row = made(alice, customer, "contacts")
    made(alice, customer, "deals", status="won")
    assert alice.api.delete(f"/api/v1/customers/{customer.pk}").status_code == 204
    assert alice.api.get(f"/api/v1/contacts/{row['id']}").status_code == 404
    assert alice.api.get("/api/v1/deals").data["count"] == 0
    alice.api.post(f"/api/v1/customers/{customer.pk}/restore")
    assert alice.api.get(f"/api/v1/contacts/{row['id']}").status_code == 200
    with organization_scope(alice.organization):
        assert Deal.objects.visible_to(alice.member).count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_records_go_with_a_customer_who_was_deleted(alice, customer, kind):
    row = made(alice, customer, kind)
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now())
    assert alice.api.get(f"/api/v1/{kind}").data["count"] == 0
    assert alice.api.get(f"/api/v1/{kind}/{row['id']}").status_code == 404
