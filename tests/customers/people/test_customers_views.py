from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.models import Customer


def test_a_new_customer_by_hand_is_mine(alice):
    answer = alice.client.post(alice.url("customers/new/"), {"name": "Nora", "phone": "07700 900123"})
    with organization_scope(alice.organization):
        made = Customer.objects.get()
    assert answer.url == alice.url(f"customers/{made.pk}/")
    assert (made.phone, made.assigned_to) == ("+447700900123", alice.user)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"name": ""}, "name"), ({"name": "x", "phone": "12"}, "phone"), ({"name": "x", "email": "no"}, "email")],
)
def test_what_is_wrong_is_shown_at_its_field(alice, body, field):
    answer = alice.client.post(alice.url("customers/new/"), body)
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]


def test_a_taken_phone_names_whose_it_is(alice, make_customer):
    make_customer(name="First", phone="+447700900123")
    answer = alice.client.post(alice.url("customers/new/"), {"name": "x", "phone": "+447700900123"})
    assert "First (C001)" in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "body", "check"),
    [
        ("stage/", {"stage": "contacted"}, lambda c: c.stage.key == "contacted"),
        ("tags/add/", {"tag": "vip"}, lambda c: c.tags.filter(name="vip").exists()),
        ("field/", {"field": "name", "value": "Renamed"}, lambda c: c.name == "Renamed"),
        ("field/", {"field": "phone", "value": "07700 900321"}, lambda c: c.phone == "+447700900321"),
    ],
)
def test_fields_are_edited_in_place_and_answer_with_themselves(alice, make_customer, path, body, check):
    customer = make_customer()
    answer = alice.htmx.post(alice.url(f"customers/{customer.pk}/{path}"), body)
    assert answer.status_code == 200
    assert b"Saved" in answer.content
    with organization_scope(alice.organization):
        assert check(Customer.objects.get(pk=customer.pk))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("stage/", {"stage": "enrolled"}),
        ("owner/", {"assigned_to": "somebody"}),
        ("tags/add/", {"tag": " "}),
        ("field/", {"field": "name", "value": ""}),
        ("field/", {"field": "phone", "value": "x"}),
    ],
)
def test_what_can_not_be_saved_says_why(alice, make_customer, path, body):
    answer = alice.htmx.post(alice.url(f"customers/{make_customer().pk}/{path}"), body)
    assert answer.status_code == 422
    assert b"field__error" in answer.content


def test_no_other_field_can_be_set(alice, make_customer):
    answer = alice.htmx.post(alice.url(f"customers/{make_customer().pk}/field/"), {"field": "code", "value": "C9"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["", "stage/", "owner/", "tags/add/", "tags/remove/", "field/"])
def test_who_may_not_see_a_customer_can_not_touch_it(alice, bob, charlie, make_customer, path):
    customer = make_customer(alice)
    url = alice.url(f"customers/{customer.pk}/{path}")
    for stranger in (bob, charlie):
        answer = stranger.client.post(url, {"stage": "lost", "tag": "x"}) if path else stranger.client.get(url)
        assert answer.status_code == 404
