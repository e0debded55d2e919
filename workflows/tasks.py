from __future__ import annotations

from celery import shared_task

from core.tenancy import every_organization
from workflows.rules import running


@shared_task
def purge_log() -> int:
    with every_organization("what rules did is kept for a while, in every organization"):
        return running.purge_log()
