"""The check as a job: daily by itself, with its result on the chain and, where it found something, in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from activity import jobs
from activity.audit import checks
from activity.models import AuditChain, AuditLink, Event, Job
from core.tenancy import organization_scope


@pytest.fixture
def inside(alice, tell, sealed):
    tell(3)
    sealed()
    with organization_scope(alice.organization):
        yield


def test_it_says_when_and_by_what_result(inside, alice):
    job = checks.start(organization=alice.organization, actor=alice.actor, user=alice.user)
    assert checks.start(organization=alice.organization, actor=alice.actor).pk == job.pk
    jobs.run_due()
    job.refresh_from_db()
    chain = AuditChain.objects.get()
    assert (job.status, job.error) == ("done", "")
    assert chain.checked_at is not None
    assert (chain.fault, chain.checked_position) == ({}, chain.position)


def test_a_fault_is_reported_once(inside, alice):
    AuditLink.objects.filter(position=2).delete()
    for _ in range(2):
        job = checks.start(organization=alice.organization, actor=alice.actor)
        jobs.run_due()
        job.refresh_from_db()
        assert job.status == "failed"
        assert "link_missing at position 2" in job.error
    assert AuditChain.objects.get().fault["position"] == 2
    assert Event.objects.filter(type="audit.fault_found").count() == 1


def test_it_is_started_daily(inside):
    assert checks.start_due() == 1
    assert checks.start_due() == 0
    jobs.run_due()
    assert checks.start_due() == 0
    AuditChain.objects.update(checked_at=timezone.now() - timedelta(days=1))
    Job.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert checks.start_due() == 1
