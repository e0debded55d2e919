"""A row, edited where it stands."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.tags import services as tags


def row_url(who, customer, query="?columns=name,stage,assigned_to,tags"):
    return who.url(f"customers/{customer.pk}/row/{query}")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"field": "stage", "value": "contacted"}, "Contacted"),
        ({"field": "owner", "value": "bob"}, "Bob Reyes"),
        ({"field": "owner", "value": ""}, "Nobody yet"),
        ({"field": "tag_add", "value": "vip"}, "vip"),
    ],
)
def test_a_change_answers_with_the_row(alice, bob, make_customer, body, words):
    customer = make_customer(alice)
    body = {**body, "value": str(bob.user.pk) if body["value"] == "bob" else body["value"]}
    answer = alice.htmx.post(row_url(alice, customer), body)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.strip().startswith("<tr") or text.strip().startswith("{#")
    assert f'id="customer-{customer.pk}"' in text
    assert words in text
    assert text.count("table__cell--") == 3


def test_a_tag_is_taken_off(alice, make_customer):
    customer = make_customer(alice)
    with organization_scope(alice.organization):
        tags.add(customer=customer, names=["vip"], actor=alice.actor)
    answer = alice.htmx.post(row_url(alice, customer), {"field": "tag_remove", "value": "VIP"})
    assert "vip" not in answer.content.decode()


@pytest.mark.parametrize("field", ["stage", "owner", "tags"])
def test_the_editor_of_a_cell(alice, make_customer, field):
    customer = make_customer(alice)
    answer = alice.htmx.get(row_url(alice, customer, f"?field={field}&columns=name,{field}"))
    assert answer.status_code == 200
    assert f'hx-target="#customer-{customer.pk}"' in answer.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        {"field": "stage", "value": "nonsense"},
        {"field": "owner", "value": "somebody"},
        {"field": "tag_add", "value": " "},
        {"field": "tag_add", "value": "x" * 51},
    ],
)
def test_what_can_not_be_saved_stays_in_the_editor(alice, make_customer, body):
    answer = alice.htmx.post(row_url(alice, make_customer(alice)), body)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#cell-editor")
    assert "field__error" in answer.content.decode()


@pytest.mark.parametrize("field", ["", "code", "name"])
def test_no_other_field_is_changed_here(alice, make_customer, field):
    customer = make_customer(alice)
    assert alice.htmx.post(row_url(alice, customer), {"field": field, "value": "x"}).status_code == 400
    assert alice.htmx.get(row_url(alice, customer, f"?field={field}")).status_code == 400


def test_who_gives_a_customer_away_sees_the_row_go(alice, bob, make_customer):
    customer = make_customer(bob)
    answer = bob.htmx.post(row_url(bob, customer), {"field": "owner", "value": str(alice.user.pk)})
    assert (answer.status_code, answer.headers["HX-Reswap"], answer.content) == (200, "delete", b"")
    with organization_scope(alice.organization):
        assert Customer.objects.get().assigned_to_id == alice.user.pk


def test_rows_of_others_are_not_touched(alice, bob, charlie, make_customer):
    customer = make_customer(alice)
    for stranger in (bob, charlie):
        for url in (row_url(stranger, customer), row_url(alice, customer)):
            if stranger is bob or url.startswith("/o/elsewhere"):
                assert stranger.htmx.get(url + "&field=stage").status_code == 404
            assert stranger.htmx.post(url, {"field": "stage", "value": "contacted"}).status_code == 404


def test_without_a_script_the_page_is_where_one_edits(alice, make_customer):
    customer = make_customer(alice)
    assert alice.client.get(row_url(alice, customer)).url == alice.url(f"customers/{customer.pk}/")
    alice.client.post(row_url(alice, customer), {"field": "stage", "value": "contacted"})
    assert alice.client.post(row_url(alice, customer), {"field": "stage", "value": "x"}).status_code == 302
    with organization_scope(alice.organization):
        assert Customer.objects.get().stage.key == "contacted"
