"""A job's page: progress while it runs, what came of it afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from activity import jobs
from activity.models import Job
from core.tenancy import organization_scope


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KINDS", jobs.KINDS.copy())
    jobs.register("test.work", lambda work: {}, label="Counting <sheep>", url=lambda job: f"/after/{job.pk}/")


@pytest.fixture
def job(bob: Any) -> Job:
    with organization_scope(bob.organization):
        return jobs.start(
            organization=bob.organization, kind="test.work", params={}, actor=bob.actor, user=bob.user, total=8
        )


def url(person: Any, job: Job, more: str = "") -> str:
    return str(person.url(f"jobs/{job.pk}/{more}"))


def move(job: Job, **changes: Any) -> None:
    with organization_scope(job.organization):
        Job.objects.filter(pk=job.pk).update(**changes)


def test_the_page_asks_again_until_the_job_has_ended(bob: Any, job: Job):
    move(job, status="running", done=2)
    page = bob.client.get(url(bob, job)).content.decode()
    assert "Counting &lt;sheep&gt;" in page
    assert 'aria-valuenow="25"' in page
    assert 'hx-trigger="every 1s"' in page
    assert "Look again" in page
    jobs.run_due()
    move(job, due_at=None)
    page = bob.client.get(url(bob, job)).content.decode()
    assert "progressbar" not in page
    assert "every 1s" not in page
    assert "Look again" not in page
    assert f'href="/after/{job.pk}/"' in page


def test_the_poll_gets_the_part_only(bob: Any, job: Job):
    part = bob.htmx.get(url(bob, job), headers={"HX-Target": "job"}).content.decode()
    assert part.lstrip().startswith("<section")
    assert "<html" not in part


def test_a_failure_is_reported_in_plain_words(bob: Any, job: Job):
    move(job, status="failed", error="The file has no rows.", due_at=None)
    page = bob.client.get(url(bob, job)).content.decode()
    assert "The file has no rows." in page
    assert "/after/" not in page


def test_who_may_not_see_it_gets_404(alice: Any, mona: Any, charlie: Any, job: Job):
    assert alice.client.get(url(alice, job)).status_code == 200
    assert mona.client.get(url(mona, job)).status_code == 404
    assert charlie.client.get(url(charlie, job)).status_code == 404
    assert mona.client.post(url(mona, job, "cancel/")).status_code == 404


def test_cancel_with_and_without_script(bob: Any, job: Job):
    answer = bob.client.post(url(bob, job, "cancel/"))
    assert (answer.status_code, answer.headers["Location"]) == (302, url(bob, job))
    # A second click is no error.
    part = bob.htmx.post(url(bob, job, "cancel/"), headers={"HX-Target": "job"})
    assert part.status_code == 200
    assert "Cancelled." in part.content.decode()
