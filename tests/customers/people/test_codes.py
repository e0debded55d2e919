"""Codes are given once, also when many are made at the same moment."""

from __future__ import annotations

from typing import Any

import pytest

from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.customers import services as customers
from tests.messaging.conftest import in_threads

COUNT = 24


@pytest.mark.django_db(transaction=True)
def test_many_creations_at_once_give_as_many_codes(alice: Any):
    def make(number: int) -> str:
        with organization_scope(alice.organization):
            made = customers.create(organization=alice.organization, actor=alice.actor, name=f"Customer {number}")
            return made.code

    codes = in_threads(make, COUNT)
    assert sorted(codes) == [f"C{number:03d}" for number in range(1, COUNT + 1)]
    with organization_scope(alice.organization):
        assert sorted(Customer.objects.values_list("code_number", flat=True)) == list(range(1, COUNT + 1))


@pytest.mark.django_db(transaction=True)
def test_many_calls_at_once_too(alice: Any):
    callers = [alice.api for _ in range(COUNT)]

    def make(number: int) -> Any:
        return callers[number].post("/api/v1/customers", {"name": f"Customer {number}"}, format="json")

    answers = in_threads(make, COUNT)
    assert [answer.status_code for answer in answers] == [201] * COUNT
    assert len({answer.data["code"] for answer in answers}) == COUNT


@pytest.mark.django_db
def test_each_organization_counts_for_itself(alice: Any, charlie: Any):
    for person in (alice, charlie, alice):
        with organization_scope(person.organization):
            customers.create(organization=person.organization, actor=person.actor, name="X")
    with organization_scope(alice.organization):
        assert sorted(Customer.objects.values_list("code", flat=True)) == ["C001", "C002"]
    with organization_scope(charlie.organization):
        assert list(Customer.objects.values_list("code", flat=True)) == ["C001"]
