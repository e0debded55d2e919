"""`/jobs`: seen and stopped by who started them."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.credentials import api_keys
from activity import jobs
from activity.actor import Actor, ActorKind
from activity.models import Job
from core.tenancy import organization_scope

API = "/api/v1/jobs"
FIELDS = {"id", "kind", "status", "progress", "result", "error", "created_at", "started_at", "finished_at"}


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KINDS", jobs.KINDS.copy())
    jobs.register("test.work", lambda work: {"created": 3}, label="Test work")


def job_of(person: Any) -> Job:
    with organization_scope(person.organization):
        return jobs.start(
            organization=person.organization, kind="test.work", params={}, actor=person.actor, user=person.user
        )


def test_a_job_tells_how_far_it_is(bob: Any):
    job = job_of(bob)
    body = bob.api.get(f"{API}/{job.pk}").json()
    assert set(body) == FIELDS
    assert (body["status"], body["progress"], body["result"], body["error"]) == ("queued", 0, {}, "")
    assert body["started_at"] is body["finished_at"] is None
    jobs.run_due()
    body = bob.api.get(f"{API}/{job.pk}").json()
    assert (body["status"], body["progress"], body["result"]) == ("done", 1, {"created": 3})


def test_who_started_it_sees_it_and_who_sees_the_settings(alice: Any, bob: Any, mona: Any, charlie: Any):
    bobs, alices = job_of(bob), job_of(alice)
    seen = {
        (name, whose): person.api.get(f"{API}/{job.pk}").status_code
        for name, person in {"alice": alice, "bob": bob, "mona": mona, "charlie": charlie}.items()
        for whose, job in {"bob's": bobs, "alice's": alices}.items()
    }
    assert {key for key, status in seen.items() if status == 200} == {
        ("alice", "bob's"), ("alice", "alice's"), ("bob", "bob's")
    }  # fmt: skip
    assert set(seen.values()) == {200, 404}


def test_a_job_is_cancelled_by_those_who_see_it(bob: Any, mona: Any, charlie: Any):
    job = job_of(bob)
    assert mona.api.post(f"{API}/{job.pk}/cancel").status_code == 404
    assert charlie.api.post(f"{API}/{job.pk}/cancel").status_code == 404
    answer = bob.api.post(f"{API}/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_what_has_ended_is_not_cancelled(bob: Any):
    job = job_of(bob)
    jobs.run_due()
    answer = bob.api.post(f"{API}/{job.pk}/cancel")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["detail"] == "It is done already."


def test_an_unknown_parameter_is_named(bob: Any):
    answer = bob.api.get(f"{API}/{job_of(bob).pk}?colour=red")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "colour"


def test_a_key_with_scopes_sees_what_it_started(bob: Any):
    with organization_scope(bob.organization):
        key, secret = api_keys.issue(member=bob.member, name="k", actor=bob.actor, scopes=["customers.view"])
        own = jobs.start(
            organization=bob.organization, kind="test.work", params={}, user=bob.user,
            actor=Actor(ActorKind.API_KEY, str(key.pk), "k"),
        )  # fmt: skip
        _, whole = api_keys.issue(member=bob.member, name="whole", actor=bob.actor)
    other = job_of(bob)
    narrow, wide = (APIClient(headers={"X-API-Key": text}) for text in (secret, whole))
    assert [narrow.get(f"{API}/{job.pk}").status_code for job in (own, other)] == [200, 404]
    assert narrow.post(f"{API}/{other.pk}/cancel").status_code == 404
    assert [wide.get(f"{API}/{job.pk}").status_code for job in (own, other)] == [200, 200]
