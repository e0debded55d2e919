"""`/customers` and `/leads`."""

from __future__ import annotations

import uuid

import pytest
from rest_framework.test import APIClient

from accounts.credentials import api_keys
from activity import jobs
from core.tenancy import organization_scope
from customers.models import Customer

API = "/api/v1"


@pytest.fixture(params=["customers", "leads"])
def name(request):
    return request.param


def test_create_read_and_list_as_the_contract_says(alice, name):
    made = alice.api.post(
        f"{API}/{name}",
        {
            "name": "Acme Ltd",
            "email": "sales@acme.com",
            "phone": "07700 900300",
            "next_follow_up_at": "2027-01-22T09:00:00Z",
        },
    )
    assert made.status_code == 201
    body = made.json()
    assert body["code"] == "C001"
    assert body["phone"] == "+447700900300"
    assert body["stage"] == "new"
    assert body["status"] == "lead"
    assert body["type"] == "individual"
    assert body["next_follow_up_at"] == "2027-01-22T09:00:00Z"
    assert alice.api.get(f"{API}/{name}/{body['id']}").json() == body
    page = alice.api.get(f"{API}/{name}").json()
    assert page["count"] == 1
    assert page["results"] == [body]
    assert page["next"] is page["previous"] is None


def test_patch_changes_what_is_given(alice, name, make_customer):
    customer = make_customer(name="Before", company="Old")
    answer = alice.api.patch(
        f"{API}/{name}/{customer.pk}",
        {"name": "After", "stage": "contacted", "tags": ["vip"], "assigned_to": "me", "address": {"city": "Hull"}},
    )
    body = answer.json()
    assert answer.status_code == 200
    assert (body["name"], body["company"], body["stage"], body["tags"]) == ("After", "Old", "contacted", ["vip"])
    assert body["assigned_to"] == str(alice.user.pk)
    assert body["address"] == {"city": "Hull"}


def test_a_patch_is_all_or_nothing(alice, make_customer):
    make_customer(phone="+447700900400")
    customer = make_customer(name="Before")
    answer = alice.api.patch(f"{API}/customers/{customer.pk}", {"stage": "contacted", "phone": "+447700900400"})
    assert answer.status_code == 409
    assert alice.api.get(f"{API}/customers/{customer.pk}").json()["stage"] == "new"


def test_a_duplicate_is_a_conflict_that_names_the_first(alice, make_customer):
    first = make_customer(name="First", phone="+447700900400")
    answer = alice.api.post(f"{API}/customers", {"name": "Second", "phone": "+447700900400"})
    assert answer.status_code == 409
    assert "First (C001)" in answer.json()["errors"][0]["detail"]
    assert str(first.pk) in answer.json()["errors"][0]["detail"]
    wanted = alice.api.post(f"{API}/customers", {"name": "Second", "phone": "+447700900400", "allow_duplicate": True})
    assert wanted.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x", "phone": "12"}, "phone"),
        ({"name": "x", "email": "nonsense"}, "email"),
        ({"name": "x", "stage": "enrolled"}, "stage"),
        ({"name": "x", "stage": 7}, "stage"),
        ({"name": "x", "status": "unheard of"}, "status"),
        ({"name": "x", "assigned_to": str(uuid.uuid4())}, "assigned_to"),
        ({"name": "x", "code": "C999"}, None),
        ({"name": "x", "colour": "blue"}, "colour"),
        ({"name": "x", "tags": ["y" * 51]}, "tags.0"),
        ({"name": "x", "next_follow_up_at": "soon"}, "next_follow_up_at"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(alice, body, field):
    answer = alice.api.post(f"{API}/customers", body)
    if field is None:  # read-only: not an error, not set
        assert answer.status_code == 201
        assert answer.json()["code"] == "C001"
        return
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


@pytest.mark.parametrize(
    ("query", "field"),
    [("colour=blue", "colour"), ("status=x", "status"), ("stage=x", "stage"), ("ordering=secret", "ordering"),
     ("page=0", "page"), ("page_size=201", "page_size"), ("limit=x", "limit"), ("created_from=soon", "created_from"),
     ("assigned_to=somebody", "assigned_to")],
)  # fmt: skip
def test_an_unknown_parameter_or_value_is_a_400_that_names_it(alice, query, field):
    answer = alice.api.get(f"{API}/customers?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=acme", {"Acme"}), ("search=ACME", {"Acme"}), ("stage=contacted", {"Bolt"}), ("tag=vip", {"Acme"}),
        ("tag=vip&tag=new", set()), ("assigned_to=me", {"Bolt"}), ("assigned_to=none", {"Acme"}),
        ("status=lead", {"Acme", "Bolt"}),
        ("follow_up_before=2027-02-01T00:00:00Z", {"Acme"}), ("type=business", set()),
    ],
)  # fmt: skip
def test_filters(alice, make_customer, query, found):
    acme = make_customer(name="Acme", tags=["vip"])
    bolt = make_customer(alice, name="Bolt")
    alice.api.post(f"{API}/customers/{bolt.pk}/stage", {"stage": "contacted"})
    alice.api.patch(f"{API}/customers/{acme.pk}", {"next_follow_up_at": "2027-01-22T09:00:00Z"})
    answer = alice.api.get(f"{API}/customers?{query}")
    assert {row["name"] for row in answer.json()["results"]} == found


def test_pages_cover_every_row_once(alice, make_customer):
    names = {make_customer().name for _ in range(7)}
    for style in ("page_size=3&page=1", "limit=3&offset=0"):
        seen, url = [], f"{API}/customers?ordering=name&{style}"
        while url:
            page = alice.api.get(url).json()
            assert page["count"] == 7
            seen += [row["name"] for row in page["results"]]
            url = page["next"]
        assert sorted(seen) == sorted(names)


@pytest.mark.parametrize("path", ["", "/assign", "/stage", "/status", "/tags/add", "/tags/remove"])
def test_another_organizations_customer_is_a_404_for_every_call(alice, charlie, bob, make_customer, path):
    customer = make_customer()
    for stranger in (charlie, bob):
        for method in ("get", "post", "patch"):
            answer = getattr(stranger.api, method)(f"{API}/customers/{customer.pk}{path}", {"stage": "new", "tag": "x"})
            assert answer.status_code in (404, 405, 403 if stranger is bob else 404)


def test_the_list_shows_what_is_within_reach(alice, mona, bob, charlie, make_customer):
    make_customer(alice, name="Alice’s")
    make_customer(bob, name="Bob’s")
    make_customer(name="Nobody’s")
    listed = lambda who: {row["name"] for row in who.api.get(f"{API}/customers").json()["results"]}  # noqa: E731
    assert listed(alice) == {"Alice’s", "Bob’s", "Nobody’s"}
    assert listed(mona) == {"Bob’s", "Nobody’s"}
    assert listed(bob) == {"Bob’s"}
    assert listed(charlie) == set()


def test_a_method_that_is_not_there_is_a_405(alice):
    assert alice.api.delete(f"{API}/customers").status_code == 405


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "{", "1"])
def test_a_body_that_is_no_object_is_a_400(alice, body):
    answer = alice.api.post(f"{API}/customers", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("rows", [1, 15])
def test_the_list_takes_the_same_queries_for_any_number_of_rows(alice, make_customer, rows, django_assert_num_queries):
    for _ in range(rows):
        make_customer(alice, tags=["a", "b"])
    api = alice.api
    with django_assert_num_queries(6):
        assert len(api.get(f"{API}/customers?page_size=200").json()["results"]) == rows


def test_nothing_withdrawn_was_written(alice, charlie, make_customer):
    make_customer()
    charlie.api.post(f"{API}/customers", {"name": "Theirs", "phone": "+447700900001"})
    from core.tenancy import every_organization

    with every_organization("a look at all"):
        assert Customer.objects.filter(organization=charlie.organization).count() == 1


def test_a_conflict_names_whom_the_caller_may_see_and_of_others_the_code_only(alice, bob, make_customer):
    owned, mine = make_customer(alice, name="Secret Person"), make_customer(bob)
    calls = [
        lambda api: api.post(f"{API}/customers", {"name": "X", "phone": owned.phone}),
        lambda api: api.patch(f"{API}/customers/{mine.pk}", {"phone": owned.phone}),
        lambda api: api.post(f"{API}/customers/{mine.pk}/identities", {"kind": "phone", "value": owned.phone}),
    ]
    for call in calls:
        told, hidden = call(alice.api), call(bob.api)
        assert (told.status_code, hidden.status_code) == (409, 409)
        assert "Secret Person" in told.json()["errors"][0]["detail"]
        assert str(owned.pk) in told.json()["errors"][0]["detail"]
        detail = hidden.json()["errors"][0]["detail"]
        assert owned.code in detail
        assert "Secret" not in detail
        assert str(owned.pk) not in detail
    page = bob.client.post(bob.url(f"customers/{mine.pk}/addresses/add/"), {"value": owned.phone}, follow=True)
    assert owned.code in page.content.decode()
    assert "Secret" not in page.content.decode()


@pytest.mark.parametrize("key", ["contains", "in", "isnull", "gt", "has-key", "exact"])
def test_a_custom_field_called_like_a_lookup_filters_like_any_other(alice, key):
    for kind, value, other in (("number", 5, 6), ("boolean", True, False)):
        body = {"key": f"{key}" if kind == "number" else f"{key}-2", "label": key, "type": kind, "entity": "customer"}
        made = alice.api.post(f"{API}/custom-fields", body, format="json")
        assert made.status_code == 201, made.json()
        for given in (value, other):
            fields = {"name": f"{kind} {given}", "custom_fields": {body["key"]: given}}
            alice.api.post(f"{API}/customers", fields, format="json")
        found = alice.api.get(f"{API}/customers", {f"custom.{body['key']}": str(value).lower()})
        assert [row["name"] for row in found.json()["results"]] == [f"{kind} {value}"]


def test_values_of_a_field_that_is_gone_hinder_no_change_and_are_kept(alice):
    field = alice.api.post(
        f"{API}/custom-fields", {"key": "old", "label": "Old", "type": "text", "entity": "customer"}, format="json"
    ).json()
    made = alice.api.post(f"{API}/customers", {"name": "X", "custom_fields": {"old": "1"}}, format="json").json()
    alice.api.delete(f"{API}/custom-fields/{field['id']}")
    url = f"{API}/customers/{made['id']}"
    assert alice.api.put(url, {"name": "Y"}, format="json").status_code == 200
    read = alice.api.get(url).json()
    back = alice.api.patch(url, {"custom_fields": read["custom_fields"]}, format="json")
    assert back.status_code == 200
    assert back.json()["custom_fields"] == {"old": "1"}
    refused = alice.api.patch(url, {"custom_fields": {"old": "2"}}, format="json")
    assert refused.status_code == 400


@pytest.mark.parametrize(("call", "body"), [("status", {"stage": "contacted"}), ("assign", {"assigned_to": "me"})])
def test_the_short_calls_obey_if_match_too(alice, make_customer, call, body):
    url = f"{API}/customers/{make_customer().pk}"
    tag = alice.api.get(url).headers["ETag"]
    made = alice.api.patch(f"{url}/{call}", body, format="json", headers={"If-Match": tag})
    assert made.status_code == 200
    assert made.headers["ETag"] == alice.api.get(url).headers["ETag"] != tag
    assert alice.api.patch(f"{url}/{call}", body, format="json", headers={"If-Match": tag}).status_code == 412


def test_a_404_says_what_is_not_there(alice, make_customer):
    customer = make_customer()
    alice.api.post(f"{API}/customers/{customer.pk}/personal-data/erase", {"confirm": customer.code}, format="json")
    jobs.run_due()
    answer = alice.api.patch(f"{API}/customers/{customer.pk}", {"name": "back"}, format="json")
    assert answer.status_code == 404
    assert "erased" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("scopes", [[], ["customers.view", "customers.edit"]])
def test_a_key_undoes_what_it_did_and_with_scopes_nothing_else(alice, bob, make_customer, scopes):
    customer = make_customer(bob)
    body = {"ids": [str(customer.pk)], "action": "status", "params": {"status": "active"}}
    bob.api.post(f"{API}/customers/bulk", body, format="json")
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(member=bob.member, name="k", actor=bob.actor, scopes=scopes)
    by_key = APIClient(headers={"X-API-Key": secret})
    by_key.post(f"{API}/customers/bulk", {**body, "params": {"status": "inactive"}}, format="json")
    jobs.run_due()
    seen = by_key.get(f"{API}/change-sets").json()["results"]
    assert [one["summary"] for one in seen] == ["Status inactive: 1", "Status active: 1"][: 1 if scopes else 2]
    undone = by_key.post(f"{API}/change-sets/{seen[0]['id']}/undo")
    assert undone.status_code == 202
    jobs.run_due()
    assert by_key.get(f"{API}/customers/{customer.pk}").json()["status"] == "active"
