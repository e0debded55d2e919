from __future__ import annotations

from celery import shared_task

from core.jobs import Drain
from messaging.services import arrivals, conversations, delivery, reconcile, stalled


@shared_task(base=Drain, name="messaging.tasks.process_inbound")
def process_inbound() -> int:
    """Work on what providers told us."""
    return arrivals.process_due()


@shared_task(base=Drain, name="messaging.tasks.deliver_due")
def deliver_due() -> int:
    """Send what is due."""
    return delivery.deliver_due()


@shared_task(base=Drain, name="messaging.tasks.reconcile_unconfirmed")
def reconcile_unconfirmed() -> int:
    """Ask providers about messages of which nobody knows whether they left."""
    return reconcile.reconcile_due()


@shared_task(base=Drain, name="messaging.tasks.end_snoozes")
def end_snoozes() -> int:
    """Bring back what was put out of sight until now."""
    return conversations.end_snoozes()


@shared_task(base=Drain, name="messaging.tasks.tell_stalled")
def tell_stalled() -> int:
    """Tell of leads whose message went unanswered for days."""
    return stalled.tell()
