"""What goes by itself, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from activity.models import Event
from core import jobs as machinery
from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.data.retention import services as retention
from customers.models import Change, ChangeSet, Customer
from customers.people.customers import services as customers
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks

pytestmark = pytest.mark.django_db


def quiet_for(customer: Customer, days: int) -> Customer:
    Customer.objects.filter(pk=customer.pk).update(last_activity_at=timezone.now() - timedelta(days=days))
    return customer


def erased() -> set[str]:
    return set(Customer.objects.filter(erased_at__isnull=False).values_list("code", flat=True))


def test_the_deleted_are_erased_after_30_days(inside: Any, alice: Any, make_customer: Any):
    long_ago, lately, present = make_customer(), make_customer(), make_customer()
    for customer, days in ((long_ago, 31), (lately, 29)):
        deletion.delete(customer=customer, actor=alice.actor)
        Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now() - timedelta(days=days))
    assert retention.purge_expired() == 1
    assert erased() == {long_ago.code}
    assert retention.purge_expired() == 0
    present.refresh_from_db()
    assert present.name != "Erased customer"
    (event,) = Event.objects.filter(type="customer.erased")
    assert (event.actor_kind, event.payload["reason"]) == ("system", "deleted more than 30 days ago")


def test_a_merged_one_is_left_for_undoing(inside: Any, alice: Any, make_customer: Any):
    gone, stays = make_customer(), make_customer()
    Customer.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - timedelta(days=99), merged_into=stays)
    assert retention.purge_expired() == 0


def test_nobody_goes_where_nothing_is_chosen(inside: Any, make_customer: Any):
    quiet_for(make_customer(), 9000)
    assert retention.purge_expired() == 0


def test_who_is_quiet_for_longer_than_chosen_goes(inside: Any, alice: Any, make_customer: Any):
    retention.set_months(organization=inside, months=12, actor=alice.actor)
    old, young = quiet_for(make_customer(), 367), quiet_for(make_customer(), 364)
    deal, task, follow_up = (quiet_for(make_customer(), 400) for _ in range(3))
    deals.create(customer=deal, actor=alice.actor, title="Open")
    tasks.create(organization=inside, customer=task, actor=alice.actor, title="Call")
    customers.set_follow_up(customer=follow_up, at=timezone.now() + timedelta(days=1), actor=alice.actor)
    for one in (deal, task, follow_up):
        quiet_for(one, 400)
    past, done = quiet_for(make_customer(), 400), quiet_for(make_customer(), 400)
    customers.set_follow_up(customer=past, at=timezone.now() - timedelta(days=300), actor=alice.actor)
    deals.create(customer=done, actor=alice.actor, title="Won", status="won")
    quiet_for(done, 400)
    assert retention.inactive(12, now=timezone.now()).count() == 3
    assert retention.purge_expired() == 3
    assert erased() == {old.code, past.code, done.code}
    assert young.code not in erased()


def test_each_organization_has_its_own_choice(alice: Any, charlie: Any, make_customer: Any):
    with organization_scope(alice.organization):
        quiet_for(make_customer(), 900)
    with organization_scope(charlie.organization):
        theirs = customers.create(organization=charlie.organization, actor=charlie.actor, name="Theirs")
        quiet_for(theirs, 900)
        retention.set_months(organization=charlie.organization, months=24, actor=charlie.actor)
    assert retention.purge_expired() == 1
    with organization_scope(charlie.organization):
        assert erased() == {theirs.code}


def test_more_than_a_batch(inside: Any, alice: Any, make_customer: Any, monkeypatch: Any):
    monkeypatch.setattr(retention, "BATCH", 2)
    retention.set_months(organization=inside, months=12, actor=alice.actor)
    for _ in range(5):
        quiet_for(make_customer(), 400)
    assert retention.purge_expired() == 5


def test_a_worker_that_stops_leaves_the_rest(inside: Any, alice: Any, make_customer: Any, monkeypatch: Any):
    retention.set_months(organization=inside, months=12, actor=alice.actor)
    quiet_for(make_customer(), 400)
    machinery.stop()
    try:
        assert retention.purge_expired() == 0
    finally:
        machinery._stopping.clear()


def test_only_what_is_offered_can_be_chosen(inside: Any, alice: Any):
    for months in (0, 1, 13, 9999):
        with pytest.raises(retention.NotOffered):
            retention.set_months(organization=inside, months=months, actor=alice.actor)
    assert retention.set_months(organization=inside, months=24, actor=alice.actor)
    assert not retention.set_months(organization=inside, months=24, actor=alice.actor)
    assert retention.set_months(organization=inside, months=None, actor=alice.actor)
    assert Organization.objects.get(pk=inside.pk).retention_months is None
    assert [event.payload for event in Event.objects.filter(type="customers.retention_changed").order_by("pk")] == [
        {"from": None, "to": 24}, {"from": 24, "to": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        ((2026, 11, 21), 12, (2025, 11, 21)),
        ((2028, 2, 29), 12, (2027, 2, 28)),
        ((2028, 2, 29), 24, (2026, 2, 28)),
        ((2026, 1, 31), 84, (2019, 1, 31)),
        ((2026, 3, 31), 1, (2026, 2, 28)),
    ],
)
def test_months_are_those_of_the_calendar(day: Any, months: int, before: Any):
    assert retention.months_before(datetime(*day, tzinfo=UTC), months) == datetime(*before, tzinfo=UTC)


def test_what_can_not_be_undone_any_more_is_not_remembered(inside: Any, make_customer: Any, monkeypatch: Any):
    monkeypatch.setattr(retention, "STEP", 2)
    for days in (29, 31):
        made = timezone.now() - timedelta(days=days)
        change_set = ChangeSet.objects.create(
            organization=inside, kind="bulk", summary=str(days), actor_kind="user", detail={"a": 1}, created_at=made
        )
        for _ in range(3):
            Change.objects.create(
                organization=inside, change_set=change_set, model="customers.customer", object_id="x", action="updated",
                before={"name": "Ann"},
            )  # fmt: skip
    assert retention.purge_old_changes() == 3
    assert set(Change.objects.values_list("change_set__summary", flat=True)) == {"29"}
    assert dict(ChangeSet.objects.values_list("summary", "detail")) == {"29": {"a": 1}, "31": {}}
