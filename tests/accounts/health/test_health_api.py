"""`/admin/health`: what concerns the organization, the installation in general words, and nothing of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.doctor import services
from activity.models import Heartbeat, InstallationSample, OrganizationSample
from core.tenancy import organization_scope
from messaging.models import Channel

pytestmark = pytest.mark.django_db

HEALTH = "/api/v1/admin/health"
METRICS = "/api/v1/admin/health/metrics"


@pytest.fixture(autouse=True)
def heartbeats(db: Any) -> None:
    for name in Heartbeat.Name:
        Heartbeat.objects.beat(name)


def fail_channel(person: Any, error: str) -> Channel:
    with organization_scope(person.organization):
        channel = Channel.objects.order_by("created_at", "id").first()
        Channel.objects.filter(pk=channel.pk).update(last_error=error, last_error_at=timezone.now())
    return channel


def test_it_names_the_channels_that_fail(alice: Any):
    channel = fail_channel(alice, "20003: Wrong token.")
    body = alice.api.get(HEALTH).json()
    assert body["status"] == "failed"
    (found,) = [line for line in body["checks"] if line["status"] == "failed"]
    assert (found["check"], found["label"]) == ("channels", channel.name)
    assert found["text"].startswith("20003: Wrong token.")
    assert "what to correct" in found["advice"]
    assert found["since"]
    assert found["url"] == alice.url(f"channels/{channel.pk}/")


def test_of_another_organization_it_says_nothing(alice: Any, charlie: Any):
    name = "A secret clinic"
    fail_channel(charlie, name)
    with organization_scope(charlie.organization):
        charlie.organization.name = name
        charlie.organization.save()
    services.run_due()
    answer = alice.api.get(HEALTH)
    assert name not in answer.content.decode()
    assert {line["status"] for line in answer.json()["checks"]} == {"good"}
    assert name not in alice.client.get(alice.url("doctor/")).content.decode()


def test_the_installation_is_reported_in_general_words(alice: Any):
    Heartbeat.objects.filter(name="canary").update(beat_at=timezone.now() - timedelta(minutes=5))
    body = alice.api.get(HEALTH).json()
    worst = body["installation"][0]
    assert (body["status"], worst["name"], worst["status"]) == ("failed", "worker", "failed")
    assert worst["text"] == "Does not work. Whoever runs this installation is notified."
    assert {"channels", "mail certificates", "versions", "set aside"}.isdisjoint(
        part["name"] for part in body["installation"]
    )


@pytest.mark.parametrize("url", [HEALTH, METRICS])
def test_it_asks_for_the_permission_and_for_known_parameters(alice: Any, bob: Any, url: str):
    assert bob.api.get(url).status_code == 403
    answer = alice.api.get(url, {"colour": "red"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "colour"


def test_figures_are_of_the_own_rows_alone(alice: Any, charlie: Any):
    at = timezone.now().replace(second=0, microsecond=0)
    InstallationSample.objects.create(metric="messages_in", seconds=60, at=at, value=9)
    for person, value in ((alice, 2), (charlie, 7)):
        with organization_scope(person.organization):
            OrganizationSample.objects.create(
                organization=person.organization, metric="messages_in", seconds=60, at=at, value=value
            )
    body = alice.api.get(METRICS, {"metric_type": "messages_in", "time_range": "24h"}).json()
    assert (body["time_range"], body["step_seconds"]) == ("24h", 900)
    (series,) = body["series"]
    assert (series["metric_type"], series["unit"], series["is_count"]) == ("messages_in", "messages", True)
    assert sum(point["value"] or 0 for point in series["points"]) == 2
    names = [one["metric_type"] for one in alice.api.get(METRICS, {"time_range": "30d"}).json()["series"]]
    assert names == ["queue_depth", "oldest_due", "messages_in", "messages_out", "messages_failed"]


@pytest.mark.parametrize(("name", "value"), [("metric_type", "worker_lag"), ("metric_type", "x"), ("time_range", "1y")])
def test_what_there_is_not_is_named(alice: Any, name: str, value: str):
    answer = alice.api.get(METRICS, {name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == name


def test_it_takes_the_same_queries_for_one_channel_and_for_many(alice: Any, django_assert_max_num_queries: Any):
    api = alice.api
    services.run_due()
    api.get(HEALTH)
    with django_assert_max_num_queries(90) as first:
        api.get(HEALTH)
    with organization_scope(alice.organization):
        for number in range(10):
            Channel.objects.create(
                organization=alice.organization, kind="email", provider="simulator", name=f"Box {number}",
                address=f"{number}@x.example",
            )  # fmt: skip
    with django_assert_max_num_queries(len(first.captured_queries)):
        api.get(HEALTH)
