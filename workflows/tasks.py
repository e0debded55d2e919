from __future__ import annotations

from celery import shared_task

from core.jobs import Drain
from core.tenancy import every_organization
from workflows.rules import going_on, log


@shared_task(base=Drain, name="workflows.tasks.go_on")
def go_on() -> int:
    """Go on with runs that waited."""
    return going_on.go_on_due()


@shared_task
def purge_log() -> int:
    with every_organization("what rules did is kept for a while, in every organization"):
        return log.purge_log()
