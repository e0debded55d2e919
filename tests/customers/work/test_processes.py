"""The follow-up process: one open for a customer, moved on by later actions, never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from activity import jobs
from activity.models import Event
from core.tenancy import organization_scope
from customers.data import undo
from customers.data.deletion import services as deletions
from customers.data.merging import services as merging
from customers.models import Customer, Interaction, Process
from customers.people import locking
from customers.people.customers import services as customers
from customers.people.settings import services as customer_settings
from customers.work.processes import services as processes
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)


@pytest.fixture
def customer(inside: Any, make_customer: Any) -> Customer:
    return make_customer()


def log(customer: Customer, alice: Any, **more: Any) -> Interaction:
    given = {"action_type": "call", "content": "Rang them", **more}
    return processes.log_action(customer=customer, actor=alice.actor, **given)


@pytest.fixture(autouse=True)
def june() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_first_action_begins_one_and_sets_the_next_follow_up(customer, alice):
    action = log(customer, alice)
    process = Process.objects.open_follow_up(customer)
    assert process is not None
    assert (process.name, process.channel, process.status) == ("Follow-up", "call", "active")
    assert (process.last_action, process.next_follow_up_at) == (action, NOW + timedelta(days=7))
    customer.refresh_from_db()
    assert customer.next_follow_up_at == NOW + timedelta(days=7)
    assert Event.objects.filter(type="process.started", customer_id=customer.pk).count() == 1


def test_how_many_days_is_the_organizations(customer, alice, inside):
    customer_settings.change(organization=inside, actor=alice.actor, changes={"follow_up_days": 3})
    log(customer, alice)
    assert Process.objects.open_follow_up(customer).next_follow_up_at == NOW + timedelta(days=3)


def test_a_week_later_is_the_same_hour_also_where_the_clocks_change(customer, alice):
    with time_machine.travel(datetime(2026, 10, 20, 9, tzinfo=UTC), tick=False):
        log(customer, alice)
    assert Process.objects.open_follow_up(customer).next_follow_up_at == datetime(2026, 10, 27, 10, tzinfo=UTC)


def test_a_later_action_moves_it_and_an_older_one_does_not(customer, alice):
    log(customer, alice, occurred_at=NOW - timedelta(days=2))
    later = log(customer, alice, occurred_at=NOW - timedelta(days=1))
    log(customer, alice, occurred_at=NOW - timedelta(days=5), content="Written down late")
    process = Process.objects.open_follow_up(customer)
    assert (process.last_action, process.next_follow_up_at) == (later, NOW + timedelta(days=6))
    customer.refresh_from_db()
    assert customer.next_follow_up_at == NOW + timedelta(days=6)
    assert Interaction.objects.filter(customer=customer).count() == 3
    assert Process.objects.filter(customer=customer).count() == 1


def test_an_older_action_moves_nothing_back_though_the_last_one_was_deleted(customer, alice):
    later = log(customer, alice)
    later.delete()
    log(customer, alice, occurred_at=NOW - timedelta(days=3))
    assert Process.objects.open_follow_up(customer).next_follow_up_at == NOW + timedelta(days=7)


def test_one_that_ended_makes_room_for_another(customer, alice):
    log(customer, alice)
    processes.cancel(process=Process.objects.open_follow_up(customer), actor=alice.actor)
    customer.refresh_from_db()
    assert customer.next_follow_up_at is None
    log(customer, alice)
    assert Process.objects.filter(customer=customer).count() == 2
    ended = Process.objects.get(customer=customer, status="cancelled")
    with pytest.raises(processes.AnotherOpen):
        processes.update(process=ended, actor=alice.actor, changes={"status": "active"})
    with pytest.raises(processes.CannotChange, match="cancelled"):
        processes.resume(process=ended, actor=alice.actor)
    with pytest.raises(processes.AnotherOpen):
        processes.start(customer=customer, actor=alice.actor)


def test_what_rests_is_not_due_and_goes_on_where_it_was(customer, alice):
    log(customer, alice)
    process = processes.pause(process=Process.objects.open_follow_up(customer), actor=alice.actor)
    customer.refresh_from_db()
    assert (process.status, customer.next_follow_up_at) == ("paused", None)
    processes.resume(process=process, actor=alice.actor)
    customer.refresh_from_db()
    assert customer.next_follow_up_at == NOW + timedelta(days=7)


def test_there_is_one_next_follow_up(customer, alice):
    log(customer, alice)
    wanted = NOW + timedelta(days=2)
    customers.set_follow_up(customer=customer, at=wanted, actor=alice.actor)
    assert Process.objects.open_follow_up(customer).next_follow_up_at == wanted
    processes.update(
        process=Process.objects.open_follow_up(customer), actor=alice.actor, changes={"next_follow_up_at": NOW}
    )
    customer.refresh_from_db()
    assert customer.next_follow_up_at == NOW


def test_nothing_begins_with_somebody_who_is_gone(customer, alice):
    deletions.delete(customer=customer, actor=alice.actor)
    with pytest.raises(locking.CustomerMissing):
        log(customer, alice)
    assert not Process.objects.filter(customer=customer).exists()


def test_a_merge_leaves_one_open_and_its_undoing_two(customer, alice, make_customer):
    other = make_customer()
    for one in (customer, other):
        log(one, alice)
    merged = merging.merge(loser=other, survivor=customer, actor=alice.actor)
    assert Process.objects.open_follow_up(customer) is not None
    assert sorted(Process.objects.filter(customer=customer).values_list("status", flat=True)) == ["active", "cancelled"]
    undo.undo(change_set=merged, actor=alice.actor, user=alice.user)
    jobs.run_due()
    assert [Process.objects.open_follow_up(one) is not None for one in (customer, other)] == [True, True]


@pytest.mark.django_db(transaction=True)
def test_eight_first_actions_at_once_begin_one(alice, make_customer):
    customer = make_customer()

    def act(number: int) -> Any:
        with organization_scope(alice.organization):
            at = NOW - timedelta(hours=number)
            return log(customer, alice, content=f"Action {number}", occurred_at=at).pk

    in_threads(act, 8)
    with organization_scope(alice.organization):
        process = Process.objects.get(customer=customer)
        assert Interaction.objects.filter(customer=customer).count() == 8
        assert process.last_action.content == "Action 0"
        assert process.next_follow_up_at == NOW + timedelta(days=7)
        assert Event.objects.filter(type="process.started").count() == 1


def test_the_database_refuses_a_second_open_one(customer, alice):
    log(customer, alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Process.objects.create(organization=customer.organization, customer=customer, created_at=timezone.now())
