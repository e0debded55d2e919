from __future__ import annotations

from celery import shared_task

from activity.models import Heartbeat
from core import queues
from core.jobs import Drain
from crm_project.backups import daily
from crm_project.doctor import running


@shared_task(name="crm_project.tasks.canary")
def canary() -> None:
    """Went from the beat (or a starting worker) through the broker into a worker: the machinery works."""
    Heartbeat.objects.beat(Heartbeat.Name.CANARY)


@shared_task(base=Drain, name="crm_project.tasks.release_overlong_claims")
def release_overlong_claims() -> int:
    """Free what is claimed for longer than any claim lasts, as after a clock that jumped."""
    return queues.clip_leases()


@shared_task(base=Drain, name="crm_project.tasks.run_checks")
def run_checks() -> int:
    """Run the checks of the doctor that are due, and notify the administrators of what failed."""
    return running.run()


@shared_task(base=Drain, name="crm_project.tasks.back_up")
def back_up() -> int:
    """Take the daily backup once it is due, and rehearse it."""
    return daily.run()
