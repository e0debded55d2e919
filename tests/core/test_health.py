from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import Heartbeat
from core import health
from crm_project import watch


@pytest.fixture
def heartbeats(db):
    for name in Heartbeat.Name:
        Heartbeat.objects.beat(name)


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_liveness_tells_nothing_and_needs_no_database(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_every_part_answers(client, heartbeats):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert set(response.json()["checks"].values()) == {"ok"}


@pytest.mark.parametrize(("name", "part"), [(Heartbeat.Name.BEAT, "beat"), (Heartbeat.Name.CANARY, "worker")])
def test_a_silent_part_is_named_after_a_minute(client, heartbeats, name, part):
    Heartbeat.objects.filter(name=name).update(beat_at=timezone.now() - timedelta(seconds=60))
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"][part] == "failing"
    assert [value for key, value in response.json()["checks"].items() if key != part] == ["ok"] * (
        len(response.json()["checks"]) - 1
    )


def test_a_part_never_reported_is_not_ready(client, db):
    assert client.get("/health/ready").status_code == 503


def test_a_check_that_raises_is_named_and_its_reason_kept_inside(client, heartbeats, monkeypatch):
    def broken():
        raise ConnectionError("postgres://parley:pa55@db/parley refused")

    monkeypatch.setattr(health, "PARTS", health.PARTS.copy())
    health.PARTS.unregister("database")
    health.register("database", broken)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "failing"
    assert "pa55" not in response.content.decode()


def test_an_app_can_register_what_it_needs(client, heartbeats, monkeypatch):
    monkeypatch.setattr(health, "PARTS", health.PARTS.copy())
    health.register("outbound queue", lambda: "40 messages are due for longer than a minute")
    response = client.get("/health/ready")
    assert response.json()["checks"]["outbound queue"] == "failing"
    assert "40 messages" not in response.content.decode()


def test_the_broker_can_be_written_to():
    assert health.broker_answers() == ""


def test_a_broker_that_is_away_is_a_failing_part(client, heartbeats, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/health/ready").json()["checks"]["broker"] == "failing"


def test_a_message_that_does_not_arrive_makes_a_worker_stale():
    liveness = watch.Liveness()
    assert not liveness.is_stale(1000)
    liveness.sent(1000)
    liveness.sent(1030)
    assert not liveness.is_stale(1000 + watch.NOT_LIVE_AFTER_SECONDS)
    assert liveness.is_stale(1001 + watch.NOT_LIVE_AFTER_SECONDS)
    liveness.received()
    assert not liveness.is_stale(2000)
