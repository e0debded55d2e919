from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from activity import jobs
from activity.actor import current_actor
from activity.models import Event, Job
from core import jobs as machinery
from core import queues
from core.claims import MAX_LOST_CLAIMS, begun, claim
from core.tenancy import current_organization, every_organization
from customers.models import Tag

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test registers its own."""
    monkeypatch.setattr(jobs, "KINDS", jobs.KINDS.copy())
    yield
    machinery._stopping.clear()


def tags(organization: Any) -> list[str]:
    return sorted(Tag.objects.values_list("name", flat=True).filter(name__startswith="step"))


def write_tag(work: jobs.Work, number: int) -> None:
    Tag.objects.create(organization=work.job.organization, name=f"step {number}")


def steps(work: jobs.Work, count: int = 3) -> dict[str, Any]:
    """Writes one tag a step, and goes on from where it was."""
    for number in range(work.state.get("next", 0), count):
        with work.step(done=number + 1, total=count):
            write_tag(work, number)
            work.state["next"] = number + 1
    return {"written": count}


def start(alice: Any, handler: Any, **more: Any) -> Job:
    jobs.register("test.work", handler, **more)
    return jobs.start(
        organization=alice.organization, kind="test.work", params={"a": 1}, actor=alice.actor, user=alice.user
    )


def again(job: Job) -> None:
    """The waiting is over."""
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())


def test_a_job_is_done_by_whom_it_was_started_by_inside_its_organization(inside, alice):
    seen = []

    def handler(work):
        seen.append((current_organization(), current_actor().id, work.params))
        return steps(work)

    job = start(alice, handler)
    assert (job.status, job.progress) == ("queued", 0)
    assert jobs.run_due() == 1
    job.refresh_from_db()
    assert seen == [(alice.organization, str(alice.user.pk), {"a": 1})]
    assert (job.status, job.result, job.progress, job.error) == ("done", {"written": 3}, 1.0, "")
    assert job.started_at
    assert job.finished_at
    assert job.due_at is None
    assert tags(inside) == ["step 0", "step 1", "step 2"]
    assert jobs.run_due() == 0


def test_progress_is_seen_between_the_steps(inside, alice):
    seen = []

    def handler(work):
        for number in range(4):
            with work.step(done=number + 1, total=5):
                pass
            seen.append(Job.objects.get().progress)
        return {}

    start(alice, handler)
    jobs.run_due()
    assert seen == [0.2, 0.4, 0.6, 0.8]


def test_a_step_that_fails_leaves_nothing_and_is_tried_again(inside, alice):
    failures: list[int] = []

    def handler(work):
        for number in range(work.state.get("next", 0), 3):
            with work.step(done=number + 1):
                write_tag(work, number)
                work.state["next"] = number + 1
                if number == 1 and not failures:
                    failures.append(number)
                    raise RuntimeError("the disk is full: /var/lib")
        return {"state": work.state["next"]}

    job = start(alice, handler)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.done, job.state) == ("running", 1, {"next": 1})
    assert tags(inside) == ["step 0"]
    assert timezone.now() < job.due_at < timezone.now() + timedelta(seconds=10)
    again(job)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.result) == ("done", {"state": 3})
    assert tags(inside) == ["step 0", "step 1", "step 2"]


def test_the_checkpoint_of_a_failed_step_is_forgotten_by_the_handler_too(inside, alice):
    def handler(work):
        with pytest.raises(ValueError, match="row"), work.step():
            work.state["next"] = 7
            int("a bad row")
        with work.step():
            work.state["rejected"] = 1
        return work.state

    job = start(alice, handler)
    jobs.run_due()
    job.refresh_from_db()
    assert job.result == {"rejected": 1}


def test_what_fails_three_times_fails_with_plain_words(inside, alice):
    def handler(work):
        raise RuntimeError("secret detail")

    job = start(alice, handler)
    for _ in range(3):
        job.refresh_from_db()
        assert job.status != "failed"
        again(job)
        jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", jobs.WENT_WRONG)
    assert "secret" not in job.error
    assert job.due_at is None


def test_progress_forgives_earlier_failures(inside, alice):
    def handler(work):
        number = work.state.get("next", 0)
        if number < 5:
            with work.step(done=number + 1):
                work.state["next"] = number + 1
            raise RuntimeError("now and then")
        return {}

    job = start(alice, handler)
    for _ in range(6):
        again(job)
        jobs.run_due()
    job.refresh_from_db()
    assert job.status == "done"


def test_a_handler_says_in_plain_words_why_it_failed(inside, alice):
    def handler(work):
        with work.step():
            work.state["rows"] = 4
        raise jobs.JobFailed("The file has no rows.")

    job = start(alice, handler, so_far=lambda state: {"read": state["rows"]})
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.error, job.result) == ("failed", "The file has no rows.", {"read": 4})


@pytest.mark.parametrize(("fault", "status"), [(None, "done"), (jobs.JobFailed("No."), "failed")])
def test_the_end_of_a_job_is_an_event_of_the_system(inside, alice, fault, status):
    def handle(work):
        if fault is not None:
            raise fault
        return {}

    job = start(alice, handle)
    jobs.run_due()
    event = Event.objects.get(type="job.finished")
    assert (event.subject_id, event.payload) == (str(job.pk), {"kind": job.kind, "status": status})
    assert event.actor_kind == "system"


def test_who_lost_the_claim_writes_nothing(inside, alice):
    def handler(work):
        with work.step(done=1):
            write_tag(work, 1)
        # It sleeps past its lease, and another worker takes over.
        again(work.job)
        with every_organization("a second worker"):
            assert len(claim(Job.objects.all(), limit=1, lease=jobs.LEASE)) == 1
        with work.step(done=2):
            write_tag(work, 2)
        raise AssertionError("it went on")

    job = start(alice, handler)
    jobs.run_due()
    job.refresh_from_db()
    assert tags(inside) == ["step 1"]
    assert (job.status, job.done) == ("running", 1)
    assert job.claim_token is not None, "the other one's claim stands"


def test_a_claim_lost_after_the_last_step_does_not_write_the_result(inside, alice):
    def handler(work):
        Job.objects.filter(pk=work.job.pk).update(claim_token=None)
        return {"mine": True}

    job = start(alice, handler)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.result) == ("running", {})


def test_one_that_waits_is_cancelled_at_once(inside, alice):
    job = start(alice, steps)
    jobs.cancel(job=job)
    job.refresh_from_db()
    assert (job.status, job.due_at) == ("cancelled", None)
    assert jobs.run_due() == 0
    assert tags(inside) == []
    with pytest.raises(jobs.JobFinished, match="cancelled already"):
        jobs.cancel(job=job)


def test_one_in_work_is_cancelled_between_two_steps(inside, alice):
    def handler(work):
        for number in range(3):
            with work.step(done=number + 1):
                write_tag(work, number)
                work.state["written"] = number + 1
            if number == 1:
                jobs.cancel(job=work.job)
        return {}

    job = start(alice, handler, so_far=lambda state: {"written": state["written"]})
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.result) == ("cancelled", {"written": 2})
    assert tags(inside) == ["step 0", "step 1"]


def test_one_whose_worker_died_is_cancelled_without_being_begun_again(inside, alice):
    job = start(alice, steps)
    with every_organization("a worker that dies"):
        claim(Job.objects.all(), limit=1, lease=jobs.LEASE, status="running")
    jobs.cancel(job=job)
    again(job)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, tags(inside)) == ("cancelled", [])


def test_a_worker_that_stops_gives_it_back(inside, alice):
    def handler(work):
        for number in range(work.state.get("next", 0), 3):
            with work.step(done=number + 1):
                write_tag(work, number)
                work.state["next"] = number + 1
                if number == 0:
                    machinery.stop()
        return {}

    job = start(alice, handler)
    assert jobs.run_due() == 1
    job.refresh_from_db()
    assert (job.done, job.claim_token, job.attempts) == (1, None, 0)
    assert job.due_at <= timezone.now()
    machinery._stopping.clear()
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == "done"
    assert tags(inside) == ["step 0", "step 1", "step 2"]


def test_a_long_one_gives_way_to_one_that_waits(inside, alice, monkeypatch):
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0.0)
    order = []

    def handler(work):
        name = work.params["name"]
        for number in range(work.state.get("next", 0), 3):
            with work.step(done=number + 1):
                order.append(name)
                work.state["next"] = number + 1
        return {}

    jobs.register("test.turns", handler)
    for name in "ab":
        jobs.start(organization=inside, kind="test.turns", params={"name": name}, actor=alice.actor)
    jobs.run_due()
    assert order == ["a", "b"] * 3
    assert set(Job.objects.values_list("status", flat=True)) == {"done"}


def test_one_alone_does_not_give_way(inside, alice, monkeypatch):
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0.0)
    start(alice, steps)
    assert jobs.run_due() == 1


def test_what_kills_its_workers_is_given_up(inside, alice):
    job = start(alice, steps)
    for _ in range(MAX_LOST_CLAIMS):
        (lost,) = claim(Job.objects.all(), limit=1, lease=timedelta(0))
        begun(lost, lease=timedelta(0))
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", f"{queues.KILLED} What was done so far is kept.")


def test_a_kind_that_is_not_known_any_more_fails(inside, alice):
    job = start(alice, steps)
    jobs.KINDS.unregister("test.work")
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == "failed"
    with pytest.raises(KeyError):
        jobs.start(organization=inside, kind="test.work", params={}, actor=alice.actor)


def test_a_handler_sees_no_other_organization(inside, alice, charlie):
    seen: list[UUID] = []

    def handler(work):
        seen.extend(Event.objects.values_list("organization_id", flat=True))
        return {}

    start(alice, handler)
    jobs.run_due()
    assert set(seen) == {alice.organization.pk}


def test_a_kind_is_registered_once():
    jobs.register("test.once", steps)
    with pytest.raises(ValueError, match="twice"):
        jobs.register("test.once", steps)


def test_what_ended_long_ago_is_forgotten(inside, alice):
    old, young, open_ = (start(alice, steps) if n == 0 else again_of(alice) for n in range(3))
    ended = timezone.now() - jobs.REMEMBERED
    Job.objects.filter(pk=old.pk).update(status="done", finished_at=ended - timedelta(minutes=1))
    Job.objects.filter(pk=young.pk).update(status="done", finished_at=ended + timedelta(minutes=1))
    assert jobs.purge_old() == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {young.pk, open_.pk}


def again_of(alice: Any) -> Job:
    return jobs.start(organization=alice.organization, kind="test.work", params={}, actor=alice.actor)
