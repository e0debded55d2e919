"""Tags, custom fields and segments through the API."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.models import Customer

pytestmark = pytest.mark.django_db

TYPES = {
    "text": ("Blue", "x" * 2001),
    "number": (3.5, "three"),
    "date": ("2026-03-31", "31.03.2026"),
    "boolean": (True, "yes"),
    "choice": ("Red", "Green"),
    "multi_choice": (["Red", "Blue"], ["Green"]),
    "url": ("https://x.example/a", "javascript:alert(1)"),
}


def attr(answer):
    return answer.status_code, answer.data["errors"][0]["attr"]


def define(person, kind, **more):
    choices = {"choices": ["Red", "Blue"]} if "choice" in kind else {}
    body = {"entity": "customer", "key": f"f-{kind.replace('_', '-')}", "label": kind.title(), "type": kind}
    answer = person.api.post("/api/v1/custom-fields", body | choices | more, format="json")
    assert answer.status_code == 201, answer.data
    return answer.data


@pytest.mark.parametrize("kind", TYPES)
def test_a_field_of_each_type_is_checked_stored_and_filtered(alice, make_customer, kind):
    good, bad = TYPES[kind]
    key = define(alice, kind)["key"]
    url = f"/api/v1/customers/{make_customer(alice).pk}"
    make_customer(alice)
    assert alice.api.patch(url, {"custom_fields": {key: good}}, format="json").data["custom_fields"] == {key: good}
    wrong = alice.api.patch(url, {"custom_fields": {key: bad}}, format="json")
    assert attr(wrong) == (400, f"custom_fields.{key}")
    asked = good[0] if isinstance(good, list) else str(good).lower() if isinstance(good, bool) else good
    found = alice.api.get("/api/v1/customers", {f"custom.{key}": asked}).data
    assert found["count"] == 1
    assert attr(alice.api.get("/api/v1/customers", {"custom.none": "x"})) == (400, "custom.none")
    assert alice.api.patch(url, {"custom_fields": {key: None}}, format="json").data["custom_fields"] == {}


def test_numbers_and_days_have_ranges(alice, make_customer):
    number, day = define(alice, "number")["key"], define(alice, "date")["key"]
    for value in (1, 5, 20):
        fields = {number: value, day: f"2026-01-{value:02d}"}
        alice.api.patch(f"/api/v1/customers/{make_customer(alice).pk}", {"custom_fields": fields}, format="json")
    for key, least, most in ((number, "2", "10"), (day, "2026-01-02", "2026-01-10")):
        asked = {f"custom.{key}__gte": least, f"custom.{key}__lte": most}
        assert alice.api.get("/api/v1/customers", asked).data["count"] == 1, key


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "Big Key"}, "key"), ({"key": "a__b"}, "key"), ({"key": "1a"}, "key"), ({"label": " "}, "label"),
        ({"type": "colour"}, "type"), ({"type": "choice"}, "choices"), ({"choices": ["a"]}, "choices"),
        ({"type": "choice", "choices": ["a", "A"]}, "choices"), ({"entity": "planet"}, "entity"), ({"x": 1}, "x"),
    ],
)  # fmt: skip
def test_a_bad_definition_names_its_field(alice, body, field):
    given = {"entity": "customer", "key": "grade", "label": "Grade", "type": "text"} | body
    assert attr(alice.api.post("/api/v1/custom-fields", given, format="json")) == (400, field)


def test_a_definition_changes_but_not_its_key_or_type(alice):
    row = define(alice, "choice")
    url = f"/api/v1/custom-fields/{row['id']}"
    assert alice.api.patch(url, {"label": "Shade", "choices": ["Red", "Green"]}, format="json").data["label"] == "Shade"
    for change in ({"key": "other"}, {"type": "text"}, {"entity": "deal"}):
        assert attr(alice.api.patch(url, change, format="json")) == (400, next(iter(change)))
    assert alice.api.post("/api/v1/custom-fields", {k: row[k] for k in ("entity", "key", "label", "type", "choices")},
                          format="json").status_code == 400  # fmt: skip
    assert alice.api.delete(url).status_code == 204
    assert alice.api.get(url).status_code == 404


def test_a_required_field_is_required_when_somebody_is_made_by_hand(alice, make_customer):
    known = make_customer(alice)
    key = define(alice, "text", is_required=True)["key"]
    refused = alice.api.post("/api/v1/customers", {"name": "X"}, format="json")
    assert attr(refused) == (400, f"custom_fields.{key}")
    assert (
        alice.api.post("/api/v1/customers", {"name": "X", "custom_fields": {key: "a"}}, format="json").status_code
        == 201
    )
    # Who was there before can still be changed; taking it away is refused.
    assert alice.api.patch(f"/api/v1/customers/{known.pk}", {"company": "C"}, format="json").status_code == 200
    taken = alice.api.patch(f"/api/v1/customers/{known.pk}", {"custom_fields": {key: None}}, format="json")
    assert taken.status_code == 400


@pytest.mark.usefixtures("without_pack")
def test_tags_are_made_renamed_and_deleted_everywhere(alice, make_customer):
    customer = make_customer(alice, tags=["vip"])
    tag = alice.api.get("/api/v1/tags").data["results"][0]
    assert attr(alice.api.post("/api/v1/tags", {"name": "VIP"}, format="json")) == (400, "name")
    assert alice.api.post("/api/v1/tags", {"name": "new", "color": "rose"}, format="json").status_code == 201
    assert alice.api.patch(f"/api/v1/tags/{tag['id']}", {"name": "gold"}, format="json").data["name"] == "gold"
    assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["tags"] == ["gold"]
    assert attr(alice.api.patch(f"/api/v1/tags/{tag['id']}", {"color": "pink"}, format="json")) == (400, "color")
    assert alice.api.delete(f"/api/v1/tags/{tag['id']}").status_code == 204
    assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["tags"] == []


class TestSegments:
    def make(self, person, **more):
        body = {"name": "Mine", "filter": {"assigned_to": "me", "tag": ["vip"]}, "ordering": "name"} | more
        return person.api.post("/api/v1/segments", body, format="json")

    def test_a_shared_one_shows_everybody_their_own_reach(self, alice, bob, mona, charlie, make_customer):
        make_customer(bob, tags=["vip"])
        make_customer(alice, tags=["vip"])
        row = self.make(alice, is_shared=True, filter={"tag": ["vip"]}).data
        url = f"/api/v1/segments/{row['id']}/customers"
        counts = [person.api.get(url).data["count"] for person in (alice, mona, bob)]
        assert counts == [2, 1, 1]
        assert charlie.api.get(url).status_code == 404

    def test_a_private_one_is_ones_own(self, alice, bob, mona):
        row = self.make(bob).data
        url = f"/api/v1/segments/{row['id']}"
        for other in (alice, mona):
            assert other.api.get(url).status_code == 404
            assert other.api.patch(url, {"name": "x"}, format="json").status_code == 404
        assert bob.api.patch(url, {"name": "Ours", "is_shared": True}, format="json").data["name"] == "Ours"
        assert mona.api.patch(url, {"name": "x"}, format="json").status_code == 403
        assert alice.api.patch(url, {"name": "Everybody's"}, format="json").status_code == 200
        assert bob.api.delete(url).status_code == 204

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"), ({"filter": {"colour": "red"}}, "filter"), ({"filter": {"stage": "x"}}, "filter"),
            ({"ordering": "password"}, "ordering"), ({"filter": []}, "filter"), ({"x": 1}, "x"),
        ],
    )  # fmt: skip
    def test_bad_input_names_its_field(self, alice, body, field):
        assert attr(self.make(alice, **body)) == (400, field)

    def test_one_name_once_a_person(self, alice, bob):
        assert self.make(alice).status_code == 201
        assert attr(self.make(alice)) == (400, "name")
        assert self.make(bob).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "custom-fields", {"key": "a", "label": "A", "type": "text", "entity": "customer"}),
        ("patch", "tags/{tag}", {"name": "x"}),
        ("delete", "tags/{tag}", None),
    ],
)
def test_only_administrators_set_things(bob, mona, alice, make_customer, method, path, body):
    make_customer(alice, tags=["vip"])
    tag = alice.api.get("/api/v1/tags").data["results"][0]["id"]
    for person in (bob, mona):
        assert getattr(person.api, method)(f"/api/v1/{path.format(tag=tag)}", body, format="json").status_code == 403


@pytest.mark.usefixtures("without_pack")
def test_another_organization_sees_nothing_of_it(alice, charlie, make_customer):
    make_customer(alice, tags=["vip"])
    field = define(alice, "text")
    tag = alice.api.get("/api/v1/tags").data["results"][0]
    for path in (f"tags/{tag['id']}", f"custom-fields/{field['id']}"):
        assert charlie.api.get(f"/api/v1/{path}").status_code == 404
        assert charlie.api.delete(f"/api/v1/{path}").status_code == 404
    assert "vip" not in {found["name"] for found in charlie.api.get("/api/v1/tags").data["results"]}
    with organization_scope(alice.organization):
        assert Customer.objects.filter(tags__name="vip").exists()
