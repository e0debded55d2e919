"""Searching window by window finds what looking at everything finds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.pagination import InvalidCursor
from customers import search
from customers.models import Customer
from customers.people import keys
from customers.people import windowed_search as finding
from customers.people.customers import services as customers
from customers.search import normalize, search_patterns

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(alice, inside, make_customer, monkeypatch):
    """Sixty customers with gaps in their codes, and windows that are small."""
    monkeypatch.setattr(search, "WINDOW_BITS", 3)
    monkeypatch.setattr(finding, "FEW", 3)
    monkeypatch.setattr(finding, "NEWEST", 4)
    names = ["Ana Rare" if n in (2, 41) else f"Bo Common {n}" if n % 2 else f"Cy {n}" for n in range(60)]
    for name in names:
        make_customer(alice, name=name)
    Customer.objects.filter(code_number__range=(20, 33)).delete()
    return Customer.objects.visible_to(alice.member)


def pages(rows, size):
    found, cursor = [], ""
    while True:
        page = finding.page_of_matches(rows, cursor=cursor, size=size)
        found += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize("size", [1, 7, 100])
def test_every_match_is_found_once_newest_first(crowd, size):
    for text in ("rare", "common", "o c", "bo", "c", "4477", "nobody", "c00", "common 5"):
        rows = crowd.matching(text)
        assert pages(rows, size) == list(rows.order_by("-code_number").values_list("pk", flat=True)), text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("abcormny 0147", max_size=6), size=st.integers(1, 20), top=st.integers(0, 70))
def test_any_search_from_any_place(crowd, text, size, top):
    rows = crowd.matching(text)
    expected = rows.filter(code_number__lte=top).order_by("-code_number")[:size]
    assert [row.pk for row in finding.newest_matches(rows, size=size, top=top)] == [row.pk for row in expected]


def test_the_statements_are_few_however_many_there_are(crowd, django_assert_max_num_queries):
    with django_assert_max_num_queries(finding.ROUNDS + 3):
        finding.newest_matches(crowd.matching("common"), size=50)
    with django_assert_max_num_queries(finding.ROUNDS + 3):
        finding.newest_matches(crowd.matching("nobody"), size=50)


@pytest.mark.parametrize("cursor", ["x", "WyJhIiwgMV0", "W10"])
def test_a_cursor_that_is_none_is_refused(crowd, cursor):
    with pytest.raises(InvalidCursor):
        finding.page_of_matches(crowd, cursor=cursor, size=5)


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("jana", True), ("JANA", True), ("novakova", True), ("Nováková", True), ("ovák", True), ("ja no", True),
        ("j", True), ("no", True), ("ana", True), ("an", False), ("jana peter", False), ("jana@novak", True),
        ("07700 900123", True), ("+44 (7700) 900-123", True), ("900123", True), ("00447700900123", True),
        ("c001", True), ("c1", False), ("strasse", True), ("straße", True), ("ﬁrma", True),
        ("", True), ("   ", True), ("%", False),
        ("_", False), ("\\", False),
    ],
)  # fmt: skip
def test_what_finds_a_customer(alice, inside, text, finds):
    customers.create(
        organization=inside, actor=alice.actor, name="Jana Nováková", email="Jana@Novak.example", phone="+447700900123",
        company="Firma Hauptstraße",
    )  # fmt: skip
    assert Customer.objects.visible_to(alice.member).matching(text).exists() is finds


def test_every_phone_and_former_code_finds_too(alice, inside):
    customer = customers.create(organization=inside, actor=alice.actor, name="X")
    customer.former_codes = ["C777"]
    keys.set_keys(customer, addresses=["+447700900999"])
    customer.save()
    for text in ("c777", "900999"):
        assert Customer.objects.matching(text).get() == customer


def test_short_words_have_to_begin_a_word_and_long_ones_come_first():
    assert search_patterns("an jana") == ["jana", " an"]
    assert normalize("ČAPEK  Émile") == "capek emile"
    assert len(search_patterns(" ".join(f"word{n}" for n in range(50)))) == 8
