"""Told once a crossing, however often it is asked, by however many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers import events
from customers.models import Customer, Stage, Task
from customers.people.customers import services as customers
from customers.pipeline.stages import services as stages
from customers.work import deadlines
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from tests.messaging.conftest import in_threads


def told(organization, event):
    with organization_scope(organization):
        return list(Event.objects.filter(type=event).order_by("occurred_at"))


def quiet(customer, hours, sla=24):
    with organization_scope(customer.organization):
        Stage.objects.filter(pk=customer.stage_id).update(sla_hours=sla)
        Customer.objects.filter(pk=customer.pk).update(last_activity_at=timezone.now() - timedelta(hours=hours))


def test_a_customer_is_reported_once_a_crossing(alice, bob, make_customer):
    late, well = make_customer(bob, name="Late"), make_customer(bob, name="Well")
    quiet(late, 25)
    quiet(well, 23)
    assert deadlines.record_passed() == 1
    assert deadlines.record_passed() == 0
    (event,) = told(alice.organization, events.CUSTOMER_OVERDUE)
    assert event.customer_id == late.pk
    assert event.payload["assigned_to"] == str(bob.user.pk)
    # Somebody calls, and then they are left alone again: another crossing.
    with organization_scope(alice.organization):
        interactions.log(customer=late, actor=alice.actor, content="Called")
    assert deadlines.record_passed() == 0
    with organization_scope(alice.organization):
        # A day goes by: the last look was a few minutes ago, and the call a day.
        Stage.objects.filter(pk=late.stage_id).update(overdue_told_until=timezone.now() - timedelta(minutes=5))
    quiet(late, 24.05)
    assert deadlines.record_passed() == 1
    assert deadlines.record_passed() == 0


def test_the_mark_loses_nobody(alice, make_customer):
    """Who crosses between two looks is found by the second, which begins where the first ended."""
    customer = make_customer(alice)
    quiet(customer, 23.99)
    assert deadlines.record_passed() == 0
    with organization_scope(alice.organization):
        Stage.objects.filter(pk=customer.stage_id).update(overdue_told_until=timezone.now() - timedelta(minutes=2))
    quiet(customer, 24.01)
    assert deadlines.record_passed() == 1


def test_other_hours_look_at_everybody_again(alice, make_customer):
    customer = make_customer(alice)
    quiet(customer, 30, sla=48)
    assert deadlines.record_passed() == 0
    with organization_scope(alice.organization):
        stages.update(stage=Stage.objects.get(pk=customer.stage_id), actor=alice.actor, changes={"sla_hours": 24})
    assert deadlines.record_passed() == 1


def test_closed_deleted_and_unlimited_ones_are_left_alone(alice, make_customer):
    from customers.data.deletion import services as deletion

    gone, won = make_customer(alice), make_customer(alice)
    quiet(gone, 100)
    with organization_scope(alice.organization):
        deletion.delete(customer=gone, actor=alice.actor)
        Customer.objects.filter(pk=won.pk).update(
            stage=Stage.objects.filter(kind="won").first(), last_activity_at=timezone.now() - timedelta(days=900)
        )
    assert deadlines.record_passed() == 0


def test_more_than_a_step(alice, make_customer, monkeypatch):
    monkeypatch.setattr(deadlines, "STEP", 2)
    at = timezone.now() - timedelta(hours=30)
    for _ in range(5):
        quiet(make_customer(alice), 30)
    with organization_scope(alice.organization):
        Customer.objects.update(last_activity_at=at)  # all in one moment: the border of a step lies among them
    assert deadlines.record_passed() == 5
    assert deadlines.record_passed() == 0


def test_what_is_too_much_for_one_go_is_gone_on_with(alice, make_customer, monkeypatch):
    monkeypatch.setattr(deadlines, "STEP", 2)
    monkeypatch.setattr(deadlines, "MAX_STEPS", 1)
    for number in range(5):
        quiet(make_customer(alice), 30 + number)
    assert [deadlines.record_passed() for _ in range(5)] == [2, 2, 1, 0, 0] or sum(
        deadlines.record_passed() for _ in range(9)
    ) == 0
    assert len(told(alice.organization, events.CUSTOMER_OVERDUE)) == 5


def test_tasks_and_follow_ups(alice, bob, make_customer):
    now = timezone.now()
    customer = make_customer(bob)
    with organization_scope(alice.organization):
        task = tasks.create(
            organization=alice.organization, actor=alice.actor, title="Call", assigned_to=bob.user, due_at=now
        )
        tasks.create(organization=alice.organization, actor=alice.actor, title="Later", due_at=now + timedelta(hours=1))
        done = tasks.create(organization=alice.organization, actor=alice.actor, title="Done", due_at=now)
        tasks.update(task=done, actor=alice.actor, changes={"status": "done"})
        customers.set_follow_up(customer=customer, at=now - timedelta(minutes=1), actor=alice.actor)
    assert deadlines.record_passed() == 2
    assert deadlines.record_passed() == 0
    (overdue,) = told(alice.organization, events.TASK_OVERDUE)
    assert overdue.subject_id == str(task.pk)
    (due,) = told(alice.organization, events.FOLLOW_UP_DUE)
    assert due.customer_id == customer.pk
    # Put off, and due again: another time, another event. The same time set again is none.
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=customer, at=None, actor=alice.actor)
        customers.set_follow_up(customer=customer, at=now - timedelta(minutes=1), actor=alice.actor)
    assert deadlines.record_passed() == 0
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=customer, at=now - timedelta(seconds=30), actor=alice.actor)
        tasks.update(task=task, actor=alice.actor, changes={"due_at": now - timedelta(seconds=30)})
    assert deadlines.record_passed() == 2


def test_what_is_put_into_the_past_is_found_within_the_hour(alice, monkeypatch):
    assert deadlines.record_passed() == 0
    with organization_scope(alice.organization):
        tasks.create(
            organization=alice.organization, actor=alice.actor, title="Late",
            due_at=timezone.now() - timedelta(days=2),
        )  # fmt: skip
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert deadlines.record_passed() == 1


def test_each_organization_its_own(alice, charlie, make_customer):
    quiet(make_customer(alice), 25)
    assert deadlines.record_passed() == 1
    assert told(charlie.organization, events.CUSTOMER_OVERDUE) == []


def test_asking_again_is_cheap(alice, make_customer):
    for _ in range(30):
        quiet(make_customer(alice), 500)
    with organization_scope(alice.organization):
        Stage.objects.exclude(kind="open").update(sla_hours=None)
    deadlines.record_passed()
    with CaptureQueriesContext(connection) as queries:
        assert deadlines.record_passed() == 0
    assert len([q for q in queries if "customers_customer" in q["sql"] and "last_activity_at" in q["sql"]]) <= 6
    assert len(queries) < 60


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_once(alice, make_customer):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time")
    for _ in range(8):
        quiet(make_customer(alice), 25)
    in_threads(lambda number: deadlines.record_passed(), 3)
    assert len(told(alice.organization, events.CUSTOMER_OVERDUE)) == 8
    with organization_scope(alice.organization):
        assert Task.objects.count() == 0
