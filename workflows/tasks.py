from __future__ import annotations

from celery import shared_task

from core.jobs import Drain
from core.tenancy import every_organization
from workflows.notifications import digests
from workflows.notifications import services as notifications
from workflows.rehearsals import services as rehearsals
from workflows.rules import daily, going_on, log


@shared_task(base=Drain, name="workflows.tasks.go_on")
def go_on() -> int:
    """Go on with runs that waited."""
    return going_on.go_on_due()


@shared_task(base=Drain, name="workflows.tasks.record_day")
def record_day() -> int:
    """Tell that a day began, and whose dates it is."""
    return daily.record_day()


@shared_task
def purge_log() -> int:
    with every_organization("what rules did is kept for a while, in every organization"):
        return log.purge_log() + rehearsals.purge_old()


@shared_task(base=Drain, name="workflows.tasks.mail_notifications")
def mail_notifications() -> int:
    """Mail unread notifications to whoever is away."""
    return digests.send_due()


@shared_task(base=Drain, name="workflows.tasks.purge_notifications")
def purge_notifications() -> int:
    """Forget notifications that were read long ago."""
    return notifications.purge_old()
