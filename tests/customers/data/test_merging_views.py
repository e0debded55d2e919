"""The pages of duplicates: who is likely whom, both sides beside each other, and who may make one of two."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity import jobs
from core.tenancy import organization_scope
from customers.data.merging import duplicates
from customers.models import ChangeSet, Customer, DuplicatePair
from customers.people.custom_fields import services as custom_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_pair(alice, make_customer):
    """Two with nearly the same name and the same company, found as the worker finds them."""
    made = 0

    def make(owner=None):
        nonlocal made
        made += 1
        company = f"Company {made}"
        first = make_customer(owner, name="Elena Petrova", company=company)
        second = make_customer(owner, name="Elena Petrowa", company=company, email=f"elena{made}@petrova.example")
        with organization_scope(alice.organization):
            duplicates.find_due()
            return DuplicatePair.objects.select_related("first", "second").get(first__company=company), first, second

    return make


def compare(person, loser, survivor=None):
    return person.url(f"customers/{loser.pk}/merge/") + (f"?into={survivor.pk}" if survivor else "")


@pytest.mark.parametrize("rows", [1, 50])
def test_the_pairs_take_the_same_queries_however_many(alice, make_customer, rows, django_assert_num_queries):
    people = [make_customer(name=f"Twin {n}") for n in range(rows * 2)]
    with organization_scope(alice.organization):
        DuplicatePair.objects.bulk_create(
            DuplicatePair(
                organization=alice.organization, first=people[2 * n], second=people[2 * n + 1], score=80,
                reasons=["name_and_company"],
            )
            for n in range(rows)
        )  # fmt: skip
    browser = alice.client
    browser.get(alice.url("customers/duplicates/"))
    with django_assert_num_queries(6):
        page = browser.get(alice.url("customers/duplicates/"))
    assert page.content.decode().count("Compare and merge") == rows


def test_a_pair_says_why(alice, make_pair):
    make_pair()
    page = alice.client.get(alice.url("customers/duplicates/")).content.decode()
    assert "Nearly the same name, the same company" in page
    assert "Elena Petrowa" in page


def test_only_pairs_of_which_both_are_mine_are_shown(alice, bob, charlie, make_pair, make_customer):
    pair, first, _ = make_pair(bob)
    assert "Elena" in bob.client.get(bob.url("customers/duplicates/")).content.decode()
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=first.pk).update(assigned_to=alice.user)
    assert "Elena" not in bob.client.get(bob.url("customers/duplicates/")).content.decode()
    assert "Elena" not in charlie.client.get(charlie.url("customers/duplicates/")).content.decode()
    for person in (bob, charlie):
        assert person.client.post(person.url(f"customers/duplicates/{pair.pk}/dismiss/")).status_code == 404
    assert charlie.client.get(alice.url("customers/duplicates/")).status_code == 404


def test_a_pair_is_kept_as_two(alice, make_pair):
    pair, *_ = make_pair()
    answer = alice.client.post(alice.url(f"customers/duplicates/{pair.pk}/dismiss/"), follow=True)
    assert "Kept as two" in answer.content.decode()
    assert "No duplicates found" in answer.content.decode()
    assert alice.client.post(alice.url(f"customers/duplicates/{pair.pk}/dismiss/")).status_code == 404


def test_who_is_out_of_reach_is_neither_compared_nor_merged_nor_found(alice, bob, charlie, make_customer):
    mine, other = make_customer(bob, name="Ines Duarte"), make_customer(name="Inez Duarte")
    for person in (bob, charlie):
        for loser, survivor in ((mine, other), (other, mine)):
            address = compare(person, loser, survivor)
            assert person.client.get(address).status_code == 404
            assert person.client.post(address, {"into": str(survivor.pk)}).status_code == 404
    found = bob.client.get(compare(bob, mine), {"q": "duarte"}).content.decode()
    assert "Nobody found" in found
    with organization_scope(alice.organization):
        assert Customer.objects.filter(merged_into__isnull=True).count() == 2


@pytest.mark.parametrize("into", ["nonsense", "01980000-0000-7000-8000-000000000000", "'"])
def test_an_incomplete_address_is_not_found(alice, make_customer, into):
    customer = make_customer()
    assert alice.client.get(compare(alice, customer), {"into": into}).status_code == 404
    assert alice.client.post(compare(alice, customer), {"into": into}).status_code == 404


def test_the_other_one_is_found_by_part_of_a_name_and_is_never_oneself(alice, make_customer):
    customer, other = make_customer(name="Ines Duarte"), make_customer(name="Tomás Duarte")
    page = alice.client.get(compare(alice, customer), {"q": "tomas"}).content.decode()
    assert f"?into={other.pk}" in page
    page = alice.client.get(compare(alice, customer), {"q": "duarte"}).content.decode()
    assert f"?into={customer.pk}" not in page
    assert "Nobody found" not in alice.client.get(compare(alice, customer)).content.decode()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"choose_name": "both"}, "name"),
        ({"choose_shoe_size": "from"}, "shoe_size"),
        ({"choose_custom.grade": "from"}, "grade"),
    ],
)
def test_a_choice_that_is_none_is_refused_in_words(alice, make_pair, choices, words):
    _, first, second = make_pair()
    answer = alice.client.post(compare(alice, second), {"into": str(first.pk), **choices})
    assert answer.status_code == 422
    notice = answer.content.decode().split('role="alert"')[1].split("</div>")[0]
    assert words in notice
    with organization_scope(alice.organization):
        assert not ChangeSet.objects.exists()


def test_nobody_is_merged_with_themselves(alice, make_customer):
    customer = make_customer()
    answer = alice.client.post(compare(alice, customer), {"into": str(customer.pk)})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_two_become_one_by_choice_and_two_again(alice, make_pair):
    _, first, second = make_pair()
    page = alice.client.get(compare(alice, second, first)).content.decode()
    assert "Elena Petrova" in page
    assert "Elena Petrowa" in page
    assert "phone" in page.split("What moves along:")[1].split(".")[0]
    data = {"into": str(first.pk), "choose_name": "from"}
    answer = alice.client.post(compare(alice, second), data)
    assert answer.headers["Location"].endswith(f"/customers/{first.pk}/")
    first.refresh_from_db()
    assert (first.name, first.former_codes) == ("Elena Petrowa", [second.code])
    assert alice.client.get(alice.url(f"customers/{second.pk}/")).headers["Location"] == answer.headers["Location"]
    page = alice.client.get(alice.url("customers/duplicates/")).content.decode()
    assert f"Merged {second.code} into {first.code}" in page
    with organization_scope(alice.organization):
        change_set = ChangeSet.objects.get()
    assert alice.client.post(alice.url(f"customers/changes/{change_set.pk}/undo/")).status_code == 302
    jobs.run_due()
    first.refresh_from_db()
    assert first.name == "Elena Petrova"
    assert alice.client.get(alice.url(f"customers/{second.pk}/")).status_code == 200
    assert "Undone" in alice.client.get(alice.url("customers/duplicates/")).content.decode()


def test_a_merge_is_undone_by_who_did_it_or_an_administrator(alice, bob, mona, charlie, make_pair):
    _, first, second = make_pair(bob)
    assert mona.client.post(compare(mona, second), {"into": str(first.pk)}).status_code == 302
    with organization_scope(alice.organization):
        change_set = ChangeSet.objects.get()
    for person in (bob, charlie):
        assert person.client.post(person.url(f"customers/changes/{change_set.pk}/undo/")).status_code == 404
    assert alice.client.post(alice.url(f"customers/changes/{change_set.pk}/undo/")).status_code == 302


@pytest.mark.parametrize("fields", [1, 50])
def test_the_comparison_takes_the_same_queries_however_many_fields(alice, make_pair, fields):
    _, first, second = make_pair()
    with organization_scope(alice.organization):
        for n in range(fields):
            custom_fields.create(
                organization=alice.organization, actor=alice.actor, key=f"f{n}", label=f"Field {n}", type="text"
            )
        for customer, value in ((first, "a"), (second, "b")):
            customer.custom_fields = {f"f{n}": value for n in range(fields)}
            customer.save(update_fields=["custom_fields"])
    browser = alice.client
    browser.get(compare(alice, second, first))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = browser.get(compare(alice, second, first)).content.decode()
    assert page.count("choose_custom.f") == fields * 2
    assert len(queries) == 22
