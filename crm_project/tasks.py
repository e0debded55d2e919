from __future__ import annotations

from celery import shared_task

from activity.models import Heartbeat


@shared_task(name="crm_project.tasks.canary")
def canary() -> None:
    """Went from the beat (or a starting worker) through the broker into a worker: the machinery works."""
    Heartbeat.objects.beat(Heartbeat.Name.CANARY)
