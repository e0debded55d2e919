"""Outcomes: recorded, moving forward only, corrected; and their types."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from customers.data.deletion import services as deletions
from customers.models import Customer, Outcome, OutcomeType, StageChange
from customers.people import locking
from customers.people.customers import stage_moves
from customers.pipeline.outcomes import services as outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(inside: Any, make_customer: Any) -> Customer:
    return make_customer()


@pytest.fixture
def booked(inside: Any) -> OutcomeType:
    return outcomes.find_type(organization=inside, key="consult_booked")


def stand(customer: Customer, key: str, alice: Any) -> None:
    stage = stage_moves.find_stage(organization=customer.organization, key=key)
    stage_moves.move(customer=customer, stage=stage, actor=alice.actor)


def test_it_is_recorded_counted_by_its_day_and_moves_its_customer(customer, booked, alice):
    at = timezone.now() - timedelta(days=2)
    outcome = outcomes.record_outcome(
        customer=customer, actor=alice.actor, type=booked, amount=Decimal("120.50"), occurred_at=at, note="By phone"
    )
    assert (outcome.currency, outcome.occurred_at, outcome.author_label) == ("GBP", at, "Alice Hart")
    customer.refresh_from_db()
    assert customer.stage.key == "consult_booked"
    change = StageChange.objects.get(customer=customer)
    assert (change.from_name, change.to_name, change.reason) == ("New", "Consult booked", "By phone")
    event = Event.objects.get(type="outcome.recorded")
    assert (event.customer_id, event.payload["type"], event.payload["amount"]) == (customer.pk, booked.key, "120.50")


@pytest.mark.parametrize(
    ("stands", "outcome", "ends"),
    [
        ("new", "consult_booked", "consult_booked"),
        ("deposit_paid", "consult_booked", "deposit_paid"),
        ("treatment_done", "deposit_paid", "treatment_done"),
        ("deposit_paid", "lost", "lost"),
        ("treatment_done", "lost", "treatment_done"),
        ("lost", "consult_booked", "consult_booked"),
    ],
)
def test_it_moves_forward_only_to_lost_from_any_open_stage_and_out_of_it(
    customer, alice, inside, stands, outcome, ends
):
    stand(customer, stands, alice)
    kind = outcomes.find_type(organization=inside, key=outcome)
    outcomes.record_outcome(customer=customer, actor=alice.actor, type=kind)
    customer.refresh_from_db()
    assert customer.stage.key == ends


def test_a_type_without_a_stage_moves_nobody(customer, alice, inside):
    kind = outcomes.create_type(organization=inside, actor=alice.actor, name="Left a review")
    outcomes.record_outcome(customer=customer, actor=alice.actor, type=kind)
    customer.refresh_from_db()
    assert (kind.key, customer.stage.key) == ("left_a_review", "new")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": Decimal(-1)}, "amount"),
        ({"currency": "pounds"}, "currency"),
        ({"occurred_at": timezone.now() + timedelta(days=3)}, "occurred_at"),
    ],
    ids=["amount", "currency", "occurred_at"],
)
def test_what_is_wrong_is_named_and_nothing_is_written(customer, booked, alice, given, field):
    with pytest.raises(outcomes.InvalidOutcome) as refused:
        outcomes.record_outcome(customer=customer, actor=alice.actor, type=booked, **given)
    assert refused.value.field == field
    assert not Outcome.objects.exists()
    assert Customer.objects.get(pk=customer.pk).stage.key == "new"


def test_a_correction_moves_nobody_and_is_reported(customer, booked, alice):
    outcome = outcomes.record_outcome(customer=customer, actor=alice.actor, type=booked)
    stand(customer, "new", alice)
    outcomes.update(outcome=outcome, actor=alice.actor, changes={"amount": Decimal(80), "note": "A deposit"})
    customer.refresh_from_db()
    outcome.refresh_from_db()
    assert (customer.stage.key, outcome.amount) == ("new", Decimal(80))
    assert Event.objects.get(type="outcome.changed").payload["changes"]["note"] == {"from": "", "to": "A deposit"}
    outcomes.delete(outcome=outcome, actor=alice.actor)
    assert not Outcome.objects.exists()


def test_nothing_is_recorded_of_somebody_who_is_gone(customer, booked, alice):
    deletions.delete(customer=customer, actor=alice.actor)
    with pytest.raises(locking.CustomerMissing):
        outcomes.record_outcome(customer=customer, actor=alice.actor, type=booked)


def test_a_type_that_was_recorded_stays(customer, booked, alice, inside):
    outcomes.record_outcome(customer=customer, actor=alice.actor, type=booked)
    with pytest.raises(outcomes.TypeInUse, match="1 time"):
        outcomes.delete_type(outcome_type=booked, actor=alice.actor)
    other = outcomes.create_type(organization=inside, actor=alice.actor, name="Review", key="review")
    outcomes.delete_type(outcome_type=other, actor=alice.actor)
    assert not OutcomeType.objects.filter(key="review").exists()


def test_types_are_named_once_and_their_key_is_for_good(booked, alice, inside):
    with pytest.raises(outcomes.InvalidOutcome, match="already"):
        outcomes.create_type(organization=inside, actor=alice.actor, name="Again", key="consult_booked")
    with pytest.raises(outcomes.InvalidOutcome) as refused:
        outcomes.update_type(outcome_type=booked, actor=alice.actor, changes={"key": "x"})
    assert refused.value.field == "key"
    changed = outcomes.update_type(
        outcome_type=booked, actor=alice.actor, changes={"name": "Consultation", "stage": None}
    )
    assert (changed.name, changed.stage) == ("Consultation", None)
    assert Event.objects.get(type="outcome_type.changed").payload["changes"]["stage"]["from"] == "consult_booked"
