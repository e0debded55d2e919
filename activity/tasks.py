from __future__ import annotations

from celery import shared_task

from activity import installation, jobs
from activity.audit import checks, heads, mailing, sealing
from activity.dispatch import dispatch_due
from activity.doctor import processes, samples
from core.jobs import Drain


@shared_task(base=Drain, name="activity.tasks.dispatch")
def dispatch() -> int:
    """Dispatch what is due; rung on commit, swept by the beat."""
    return dispatch_due()


@shared_task(base=Drain, name=jobs.WORK)
def work() -> int:
    """Do the jobs that are due; rung when one is started, swept by the beat."""
    return jobs.run_due()


@shared_task(base=Drain, name="activity.tasks.purge_jobs")
def purge_jobs() -> int:
    """Delete the jobs that ended long ago."""
    return jobs.purge_old()


@shared_task(base=Drain, name="activity.tasks.advance_epoch")
def advance_epoch() -> int:
    """Note that this installation is at work, unless its database is a restored copy."""
    return int(installation.advance())


@shared_task(base=Drain, name="activity.tasks.seal_events")
def seal_events() -> int:
    """Append what was committed to the audit chains."""
    return sealing.seal_due()


@shared_task(base=Drain, name="activity.tasks.care_for_audit")
def care_for_audit() -> int:
    """Sign the chains' heads and start their checks, daily each, and mail the heads that are due."""
    return heads.sign_due() + checks.start_due() + mailing.send_due()


@shared_task(base=Drain, name="activity.tasks.take_samples")
def take_samples() -> int:
    """Take the samples of the minutes that are over."""
    return samples.take()


@shared_task(base=Drain, name="activity.tasks.roll_up_samples")
def roll_up_samples() -> int:
    """Make hours of the samples, delete old ones, and add up the figures of processes that have ended."""
    processes.fold_ended()
    return samples.roll_up()
