"""`/admin/audit-logs`: entries by filters and cursor, with before and after."""

from __future__ import annotations

import pytest

from activity.ledger import record
from activity.models import Event
from core.tenancy import organization_scope
from customers import events

PATH = "/api/v1/admin/audit-logs"


@pytest.fixture
def tell(alice, make_customer):
    customer = make_customer(name="Vera Moss")

    def tell(count=1):
        with organization_scope(alice.organization):
            for n in range(count):
                record(events.TAG_ADDED, subject=customer, actor=alice.actor, payload={"tag": f"T{n}"})
        return customer

    return tell


@pytest.mark.parametrize("count", [1, 30])
def test_a_page_takes_the_same_queries_for_any_number(alice, tell, count, django_assert_max_num_queries):
    tell(count)
    api = alice.api
    with django_assert_max_num_queries(6):
        assert len(api.get(PATH, {"action": "customer.tag_added", "page_size": 200}).json()["results"]) == count


def test_it_pages_by_cursor(alice, tell):
    tell(5)
    api = alice.api
    url, seen = f"{PATH}?action=customer.tag_added&page_size=2", []
    while url:
        page = api.get(url).json()
        seen += [one["details"]["tag"] for one in page["results"]]
        url = page["next"]
    assert seen == ["T4", "T3", "T2", "T1", "T0"]


def test_before_and_after(alice, make_customer):
    from customers.people.customers import services as customers

    customer = make_customer(company="Old")
    with organization_scope(alice.organization):
        customers.update(customer=customer, actor=alice.actor, changes={"company": "New"})
        event = Event.objects.get(type="customer.updated")
    body = alice.api.get(f"{PATH}/{event.pk}").json()
    assert (body["before"]["company"], body["after"]["company"]) == ("Old", "New")
    assert (body["actor_id"], body["customer_id"]) == (str(alice.user.pk), str(customer.pk))
    assert body["action"] == "customer.updated"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "x"),
        ("resource", "x"),
        ("user_id", "x"),
        ("date_from", "x"),
        ("date_from", "0001-01-01"),
        ("date_to", "9999-12-31"),
        ("cursor", "x"),
        ("nothing", "x"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_by_name(alice, name, value):
    response = alice.api.get(PATH, {name: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == name


def test_who_may_not_see_it(alice, bob, charlie, tell):
    tell()
    with organization_scope(alice.organization):
        event = Event.objects.filter(type="customer.tag_added").first()
    assert bob.api.get(PATH).status_code == 403
    assert charlie.api.get(f"{PATH}/{event.pk}").status_code == 404
    assert str(event.pk) not in charlie.api.get(PATH).content.decode()
