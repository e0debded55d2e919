"""Templates through the API: made, filled in, changed; and the pack's that an organization begins with."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.tenancy import organization_scope
from customers.packs import packs
from customers.packs import services as pack_service
from customers.people.custom_fields import services as custom_fields
from messaging.models import Template
from messaging.texts.templates import services as templates

pytestmark = pytest.mark.django_db
URL = "/api/v1/templates"
BODY = {"name": "Opening hours", "channel": "whatsapp", "body": "Hello {{ customer.first_name|there }}, we open at 9."}


def made(person: Any, **more: Any) -> Any:
    return person.api.post(URL, {**BODY, **more}, format="json")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.data["errors"][0]["attr"]


def test_it_is_made_read_changed_replaced_and_deleted(alice):
    row = made(alice, category="Hours").data
    url = f"{URL}/{row['id']}"
    assert (row["key"], row["language"]) == ("opening_hours", "und")
    assert alice.api.get(url).data == row
    assert alice.api.patch(url, {"body": "We open at 8."}, format="json").data["body"] == "We open at 8."
    assert refused(alice.api.patch(url, {"key": "hours"}, format="json")) == (400, "key")
    assert alice.api.put(url, BODY, format="json").data["category"] == ""
    assert alice.api.delete(url).status_code == 204
    assert alice.api.get(url).status_code == 404


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"body": "Hello {{ customer.password }}"}, "body"), ({"body": "{{ customer.name"}, "body"),
        ({"body": ""}, "body"), ({"channel": "pigeon"}, "channel"), ({"language": "german"}, "language"),
        ({"subject": "Hours"}, "subject"), ({"channel": "sms", "content_sid": "HX1"}, "content_sid"),
        ({"content_variables": {"1": "{{ nothing }}"}}, "content_variables"), ({"colour": "red"}, "colour"),
        ({"key": "A key"}, "key"),
    ],
    ids=["unknown", "open", "empty", "channel", "language", "subject", "sid", "variables", "field", "key"],
)  # fmt: skip
def test_what_is_wrong_is_named(alice, more, field):
    count = Template._base_manager.count()
    answer = made(alice, **more)
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"].startswith(field)
    assert Template._base_manager.count() == count


def test_one_of_a_key_for_each_language(alice):
    made(alice)
    assert refused(made(alice)) == (400, "name")
    assert made(alice, language="de").status_code == 201


def test_own_fields_can_be_named_and_are_filled_in_for_a_customer(alice, bob, charlie, make_customer):
    customer = make_customer(bob, name="Ann Lee")
    with organization_scope(alice.organization):
        custom_fields.create(organization=alice.organization, actor=alice.actor, key="wish", label="Wish", type="text")
    row = made(
        alice, body="{{ customer.name }}: {{ custom.wish|your wish }}, {{ agent.name }}, {{ organization }}"
    ).data
    url = f"{URL}/{row['id']}/preview"
    answer = bob.api.post(url, {"customer": str(customer.pk)}, format="json")
    assert answer.data == {"subject": "", "body": "Ann Lee: your wish, Bob Reyes, Harbour Clinic"}
    other = make_customer()
    assert refused(bob.api.post(url, {"customer": str(other.pk)}, format="json")) == (400, "customer")
    assert charlie.api.post(url, {"customer": str(customer.pk)}, format="json").status_code == 404
    bare = made(alice, name="Bare", body="{{ company }}").data
    answer = alice.api.post(f"{URL}/{bare['id']}/preview", {"customer": str(customer.pk)}, format="json")
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "missing_value")


def test_who_may_and_whose(alice, bob, charlie):
    row = made(alice).data
    url = f"{URL}/{row['id']}"
    assert bob.api.get(url).status_code == 200
    assert bob.api.patch(url, {"name": "X"}, format="json").status_code == 403
    assert made(bob).status_code == 403
    assert charlie.api.get(url).status_code == 404
    assert charlie.api.delete(url).status_code == 404


def test_a_new_organization_has_those_of_its_pack_and_gets_more_with_another(alice):
    expected = {(row["key"], row["channel"], row["language"]) for row in packs()["clinic"].templates}
    with organization_scope(alice.organization):
        assert set(Template.objects.values_list("key", "channel", "language")) == expected
        templates.delete(template=Template.objects.order_by("key")[0], actor=alice.actor)
        changed = Template.objects.order_by("key")[0]
        templates.update(template=changed, actor=alice.actor, changes={"body": "Ours"})
        pack_service.change(
            organization=alice.organization, pack=packs()["school"], actor=alice.actor, member=alice.member
        )
        school = {(row["key"], row["channel"], row["language"]) for row in packs()["school"].templates}
        assert school <= set(Template.objects.values_list("key", "channel", "language"))
        assert Template.objects.filter(body="Ours").exists()


@pytest.mark.parametrize(
    ("language", "chosen"), [("de-AT", "de"), ("de", "de"), ("fr", "und"), ("", "und"), ("EN", "en")]
)
def test_the_customers_language_is_served_first(alice, language, chosen):
    for one in ("und", "de", "en"):
        made(alice, language=one, key="hours")
    with organization_scope(alice.organization):
        found = templates.pick(key="hours", channel="whatsapp", language=language)
        assert found.language == chosen
        assert templates.pick(key="hours", channel="sms") is None


@pytest.mark.parametrize("rows", [1, 15])
def test_the_list_takes_the_same_queries(alice, rows):
    for number in range(rows):
        made(alice, key=f"k{number}")
    api = alice.api
    api.get(URL)
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(f"{URL}?page_size=200&channel=whatsapp")
    assert answer.data["count"] >= rows
    assert len(queries) <= 8
