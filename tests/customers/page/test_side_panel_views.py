"""A customer beside the list."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.work.interactions import services as interactions


def panel(who, customer, query=""):
    return who.htmx.get(who.url(f"customers/{customer.pk}/panel/{query}"))


def test_the_profile_and_then_what_is_newest(alice, make_customer):
    customer = make_customer(alice, name="Ada Lovelace", email="ada@example.com")
    with organization_scope(alice.organization):
        interactions.log(customer=customer, actor=alice.actor, channel="call", content="Wants a date in May")
    first = panel(alice, customer).content.decode()
    assert "Ada Lovelace" in first
    assert "ada@example.com" in first
    assert alice.url(f"customers/{customer.pk}/") in first
    newest = panel(alice, customer, "?part=timeline").content.decode()
    assert "Wants a date in May" in newest


@pytest.mark.parametrize("query", ["", "?part=timeline"])
def test_others_do_not_see_it(alice, bob, charlie, make_customer, query):
    customer = make_customer(alice)
    assert panel(bob, customer, query).status_code == 404
    assert panel(charlie, customer, query).status_code == 404
    assert charlie.htmx.get(alice.url(f"customers/{customer.pk}/panel/{query}")).status_code == 404


@pytest.mark.parametrize("entries", [1, 15])
@pytest.mark.parametrize(("query", "most"), [("", 8), ("?part=timeline", 14)])
def test_the_same_queries_for_any_history(alice, make_customer, entries, query, most, django_assert_max_num_queries):
    customer = make_customer(alice)
    with organization_scope(alice.organization):
        for number in range(entries):
            interactions.log(customer=customer, actor=alice.actor, channel="note", content=f"Note {number}")
    browser = alice.htmx
    url = alice.url(f"customers/{customer.pk}/panel/{query}")
    browser.get(url)
    with django_assert_max_num_queries(most):
        assert browser.get(url).status_code == 200


def test_a_link_to_an_open_panel_is_a_page_that_says_who(alice, make_customer):
    customer = make_customer(alice)
    text = alice.client.get(alice.url(f"customers/?open={customer.pk}")).content.decode()
    assert f'data-open="{customer.pk}"' in text
    assert f'href="{alice.url(f"customers/{customer.pk}/")}">Open the customer' in text


def test_without_a_script_it_is_the_page(alice, make_customer):
    customer = make_customer(alice)
    answer = alice.client.get(alice.url(f"customers/{customer.pk}/panel/"))
    assert answer.url == alice.url(f"customers/{customer.pk}/")
