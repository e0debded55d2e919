"""Find and do: what is found, by whom, in how many queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.segments import services as segments
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks

MAX_QUERIES = 12


def groups(who, q="", client=None):
    """What the palette shows: group by group, the titles."""
    answer = (client or who.client).get(who.url("palette/"), {"q": q})
    assert answer.status_code == 200
    return {group.key: [result.title for _, result in results] for group, results in answer.context["groups"]}


@pytest.fixture
def records(alice, bob, make_customer, make_conversation):
    """One of every kind that says "willow"; Bob has one customer of them."""
    hers = make_conversation(alice, name="Wanda Willow").customer
    his = make_customer(bob, name="Bea Willow")
    with organization_scope(alice.organization):
        deals.create(customer=hers, actor=alice.actor, title="Willow package")
        deals.create(customer=his, actor=alice.actor, title="Willow light")
        for customer, owner in ((hers, alice), (his, bob)):
            tasks.create(
                organization=alice.organization, actor=alice.actor, customer=customer, assigned_to=owner.user,
                title=f"Willow call of {owner.user.get_short_name()}", due_at=timezone.now() + timedelta(hours=1),
            )  # fmt: skip
        segments.create(member=alice.member, actor=alice.actor, name="Willow people", filter={}, is_shared=False)
    return hers, his


def test_every_kind_is_found(alice, records):
    assert groups(alice, "willow") == {
        "customers": ["Bea Willow", "Wanda Willow"],
        "conversations": ["Wanda Willow"],
        "deals": ["Willow light", "Willow package"],
        "tasks": ["Willow call of Bob Reyes", "Willow call of Alice Hart"],
        "segments": ["Willow people"],
    }


def test_a_counselor_finds_what_is_theirs(bob, records):
    assert groups(bob, "willow") == {
        "customers": ["Bea Willow"],
        "deals": ["Willow light"],
        "tasks": ["Willow call of Bob Reyes"],
    }


def test_ones_own_task_does_not_name_somebody_elses_customer(alice, bob, records):
    hers, _ = records
    with organization_scope(alice.organization):
        task = tasks.create(
            organization=alice.organization, actor=alice.actor, customer=hers, assigned_to=bob.user,
            title="Willow papers", due_at=timezone.now(),
        )  # fmt: skip
    assert bob.api.get(f"/api/v1/tasks/{task.pk}").status_code == 200
    for q in ("papers", ""):
        assert "Wanda" not in bob.client.get(bob.url("palette/"), {"q": q}).content.decode()
    page = bob.client.get(bob.url(f"tasks/{task.pk}/"))
    assert page.status_code == 200
    assert "Wanda" not in page.content.decode()


def test_another_organization_finds_nothing(alice, charlie, records):
    assert groups(charlie, "willow") == {}
    assert charlie.client.get(alice.url("palette/?q=willow")).status_code == 404


@pytest.mark.parametrize(
    ("q", "group", "title"),
    [
        ("new cust", "actions", "New customer"),
        ("log out", "actions", "Sign out"),
        ("dark", "actions", "Dark theme"),
        ("inb", "pages", "Inbox"),
        ("simul", "pages", "Simulator"),
    ],
)
def test_pages_and_things_to_do(alice, q, group, title):
    assert title in groups(alice, q)[group]


def test_what_a_role_does_not_permit_is_not_offered(bob):
    offered = groups(bob)
    assert "Simulator" not in offered["pages"]
    assert "Import customers" not in offered["actions"]
    assert "New customer" in offered["actions"]


def test_with_nothing_typed_what_was_opened_last_comes_first(alice, bob, charlie, make_customer):
    made = [make_customer(alice, name=f"P{n}") for n in range(7)]
    browser = alice.htmx
    for customer in (made[0], made[3], made[0]):
        browser.get(alice.url(f"customers/{customer.pk}/panel/"))
    assert groups(alice, client=browser)["customers"] == ["P0", "P3"]
    # Somebody else in the same browser sees only what they may.
    browser.force_login(bob.user)
    assert "customers" not in groups(bob, client=browser)
    assert next(iter(groups(alice, client=alice.client))) == "customers"


@pytest.mark.parametrize("cookie", ["nonsense", "....", "x" * 4000, "01980000000070008000000000000000"])
def test_a_cookie_of_somebody_elses_making_is_no_harm(alice, cookie):
    browser = alice.client
    browser.cookies["recent"] = cookie
    assert "actions" in groups(alice, client=browser)


@pytest.mark.parametrize("rows", [1, 60])
@pytest.mark.parametrize("q", ["", "willow"])
def test_the_same_queries_for_any_number_of_records(alice, records, rows, q, django_assert_max_num_queries):
    hers = records[0]
    with organization_scope(alice.organization):
        Customer.objects.bulk_create(
            Customer(
                organization=alice.organization, name=f"Willow {n}", code=f"X{n}", stage=hers.stage,
                search_text=f" willow {n}",
            )
            for n in range(rows)
        )  # fmt: skip
    for client in (alice.client, alice.htmx):
        client.get(alice.url("palette/"))
        with django_assert_max_num_queries(MAX_QUERIES):
            found = groups(alice, q, client=client)
        assert all(len(titles) <= 5 for key, titles in found.items() if key not in ("actions", "pages"))


def test_the_match_is_marked_and_what_is_typed_stays_text(alice, make_customer):
    make_customer(alice, name="Zoë <b>Élan</b>")
    page = alice.client.get(alice.url("palette/?q=ela")).content.decode()
    assert "&lt;b&gt;<mark>Éla</mark>n&lt;/b&gt;" in page
    hostile = alice.client.get(alice.url("palette/"), {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in hostile
    assert "Nothing found" in hostile


def test_a_dialog_gets_the_results_alone(alice):
    headers = {"HX-Request": "true", "HX-Target": "palette-results"}
    text = alice.client.get(alice.url("palette/?q=inbox"), headers=headers).content.decode()
    assert 'role="listbox"' in text
    assert "<html" not in text
