"""A worker that is killed in the middle of a long job, again and again: no step is lost, none is done twice."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from django.utils import timezone

from activity import jobs
from activity.models import Event, Job
from core.tenancy import every_organization, organization_scope
from tests.processes.conftest import Worker, wait_until
from tests.processes.steps.apps import KIND, take_steps

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STEPS = 400
KILLS = 5
SEED = 20_261_121


def test_every_step_of_a_job_is_done_once(worker: Worker, alice: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "KINDS", jobs.KINDS.copy())
    jobs.register(KIND, take_steps)
    worker.environment["EXTRA_APPS"] = "tests.processes.steps.apps.StepsConfig"
    with organization_scope(alice.organization):
        job = jobs.start(
            organization=alice.organization, kind=KIND, params={"count": STEPS}, actor=alice.actor, user=alice.user
        )
    chance = random.Random(SEED)
    with every_organization("the test looks, and its clock is everybody's"):
        mine = Job.objects.filter(pk=job.pk)
        interrupted = 0
        for _ in range(KILLS):
            worker.restart()
            goal = mine.get().done + chance.randint(5, 50)
            wait_until(lambda goal=goal: mine.get().done >= goal, within=60, every=0.002)
            time.sleep(chance.uniform(0, 0.02))
            worker.kill()
            # The dead worker's lease would end by itself in a minute.
            interrupted += mine.filter(claim_token__isnull=False).update(due_at=timezone.now())
        worker.restart()
        wait_until(lambda: mine.get().is_finished, within=120, every=0.1)
        job = mine.get()
        written = sorted(
            Event.objects.filter(subject_id=str(job.pk))
            .exclude(type="job.finished")
            .values_list("payload__step", flat=True)
        )
    print(f"{KILLS} kills interrupted {interrupted} turns")
    assert interrupted == KILLS, "a kill hit nobody at work"
    assert (job.status, job.result) == ("done", {"sum": sum(range(STEPS))})
    assert written == list(range(STEPS))


def test_a_worker_that_is_asked_to_end_gives_its_job_back(worker: Worker, alice: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "KINDS", jobs.KINDS.copy())
    jobs.register(KIND, take_steps)
    worker.environment["EXTRA_APPS"] = "tests.processes.steps.apps.StepsConfig"
    with organization_scope(alice.organization):
        job = jobs.start(organization=alice.organization, kind=KIND, params={"count": 100_000}, actor=alice.actor)
    worker.start()
    with every_organization("the test looks"):
        mine = Job.objects.filter(pk=job.pk)
        wait_until(lambda: mine.get().done > 5, within=60)
        assert worker.stop(within=15) == 0
        job = mine.get()
        assert (job.claim_token, job.attempts, job.status) == (None, 0, "running")
        assert job.due_at <= timezone.now(), "the next worker takes it at once"
        assert Event.objects.filter(subject_id=str(job.pk)).count() == job.done
