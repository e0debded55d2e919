"""Samples: each minute what happened and how it stands, rolled up to hours; of an organization its own rows alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from activity.doctor import samples
from activity.models import Event, InstallationSample, OrganizationSample
from core.ids import first_uuid7, uuid7
from core.tenancy import every_organization, organization_scope

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def minute(monkeypatch: Any) -> datetime:
    """A whole minute that is just over."""
    begin = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=10)
    travel(monkeypatch, begin + MINUTE + timedelta(seconds=15))
    return begin


def travel(monkeypatch: Any, to: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: to)


def happen(person: Any, event: str, at: datetime, count: int = 1) -> None:
    with organization_scope(person.organization):
        for _ in range(count):
            Event.objects.create(
                id=_id_at(at), organization=person.organization, type=event,
                occurred_at=at, actor_kind="system", subject_type="x", subject_id="x",
            )  # fmt: skip


def _id_at(at: datetime) -> UUID:
    return UUID(int=first_uuid7(at).int | uuid7().int & (2**62 - 1))


def values(model: Any, metric: str, seconds: int = 60) -> dict[Any, float]:
    with every_organization("the test looks at all"):
        rows = model.objects.filter(metric=metric, seconds=seconds)
        return {row.at: row.value for row in rows if row.value}


def test_a_minute_counts_what_happened_in_it(alice: Any, charlie: Any, minute: datetime):
    happen(alice, "message.received", minute, 2)
    happen(alice, "message.received", minute + timedelta(seconds=59), 1)
    happen(alice, "message.received", minute + MINUTE, 5)  # the next one
    happen(alice, "message.received", minute - timedelta(seconds=1), 1)  # the one before
    happen(alice, "message.sent", minute, 4)
    happen(charlie, "message.received", minute, 7)
    samples.take()
    assert values(InstallationSample, "messages_in") == {minute: 10, minute - MINUTE: 1}
    assert values(InstallationSample, "messages_out") == {minute: 4}
    with organization_scope(alice.organization):
        mine = OrganizationSample.objects.filter(metric="messages_in").order_by("at")
        assert [(row.at, row.value) for row in mine] == [(minute - MINUTE, 1), (minute, 3)]


def test_what_commits_later_is_counted_again_and_nothing_twice(monkeypatch: Any, alice: Any, minute: datetime):
    happen(alice, "message.failed", minute)
    samples.take()
    happen(alice, "message.failed", minute + timedelta(seconds=1))
    travel(monkeypatch, minute + 2 * MINUTE + timedelta(seconds=15))
    samples.take()
    samples.take()
    assert values(InstallationSample, "messages_failed") == {minute: 2}
    assert values(OrganizationSample, "messages_failed") == {minute: 2}


def test_how_much_waits_and_for_how_long(alice: Any, charlie: Any, minute: datetime):
    with every_organization("the test's clock is everybody's"):
        Event.objects.update(due_at=None)
    for person, seconds, count in ((alice, 90, 2), (charlie, 30, 1)):
        happen(person, "x.happened", minute, count)
        with organization_scope(person.organization):
            Event.objects.filter(type="x.happened").update(due_at=timezone.now() - timedelta(seconds=seconds))
    samples.take()
    assert values(InstallationSample, "queue_depth") == {minute: 3}
    assert values(InstallationSample, "oldest_due") == {minute: 90}
    with organization_scope(charlie.organization):
        mine = {
            row.metric: row.value
            for row in OrganizationSample.objects.all()
            if row.metric in ("queue_depth", "oldest_due")
        }
    assert mine == {"queue_depth": 1, "oldest_due": 30}


def sample(metric: str, at: datetime, value: float, person: Any = None, seconds: int = 60) -> None:
    InstallationSample.objects.update_or_create(metric=metric, at=at, seconds=seconds, defaults={"value": value})
    if person is not None:
        with organization_scope(person.organization):
            OrganizationSample.objects.create(
                organization=person.organization, metric=metric, at=at, seconds=seconds, value=value
            )


@pytest.fixture
def hour(monkeypatch: Any) -> datetime:
    begin = datetime(2026, 11, 30, 9, tzinfo=UTC)
    travel(monkeypatch, begin + timedelta(hours=1, minutes=5))
    return begin


def test_minutes_become_hours(alice: Any, hour: datetime):
    for number, value in ((0, 3), (30, 9), (59, 4)):
        sample("messages_in", hour + number * MINUTE, value, alice)
        sample("oldest_due", hour + number * MINUTE, value, alice)
    sample("messages_in", hour + 60 * MINUTE, 100)  # of the hour that is not over
    for _ in range(2):
        samples.roll_up()
        assert values(InstallationSample, "messages_in", 3600) == {hour: 16}
        assert values(OrganizationSample, "messages_in", 3600) == {hour: 16}
        assert values(InstallationSample, "oldest_due", 3600) == {hour: 9}


def test_old_samples_are_deleted(alice: Any, hour: datetime):
    old = hour - timedelta(days=36)
    for at, seconds in ((hour - timedelta(days=3), 60), (old, 3600), (hour - timedelta(days=3), 3600), (hour, 60)):
        sample("messages_in", at, 1, alice, seconds)
    samples.roll_up()
    for model in (InstallationSample, OrganizationSample):
        with every_organization("the test looks at all"):
            left = set(model.objects.filter(metric="messages_in").values_list("at", "seconds"))
        assert left == {(hour - timedelta(days=3), 3600), (hour, 60), (hour, 3600)}


def test_a_series_has_every_step_and_shows_where_nobody_looked(alice: Any, charlie: Any, hour: datetime):
    sample("messages_in", hour, 2, alice)
    sample("messages_in", hour + MINUTE, 3, charlie)
    sample("messages_in", hour + 16 * MINUTE, 0)
    metric = samples.METRICS["messages_in"]
    span = samples.RANGES["24h"]

    def shown(person: Any) -> list[Any]:
        with organization_scope(person.organization):
            (series,) = samples.series_of_organization(span, [metric])
        assert len(series.points) == 96
        assert series.points[-1].at == hour + timedelta(hours=1)
        return [point.value for point in series.points[-5:]]

    assert shown(alice) == [2, 0, None, None, None]
    assert shown(charlie) == [3, 0, None, None, None]
    (all_of_it,) = samples.series_of_installation(span, [metric])
    assert (all_of_it.points[-5].value, all_of_it.total) == (5, 5)


def test_thirty_days_are_made_of_hours(alice: Any, hour: datetime):
    sample("oldest_due", hour - timedelta(hours=3), 5, alice, 3600)
    sample("oldest_due", hour - timedelta(hours=2), 8, alice, 3600)
    sample("oldest_due", hour, 99, alice, 60)
    with organization_scope(alice.organization):
        (series,) = samples.series_of_organization(samples.RANGES["30d"], [samples.METRICS["oldest_due"]])
    assert len(series.points) == 120
    assert [point.value for point in series.points if point.value is not None] == [8]
