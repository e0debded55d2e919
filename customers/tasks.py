from __future__ import annotations

from celery import shared_task

from core.jobs import Drain
from customers.data.merging import duplicates
from customers.data.retention import services as retention
from customers.work import deadlines
from customers.work.tasks import reminders


@shared_task(base=Drain, name="customers.tasks.find_duplicates")
def find_duplicates() -> int:
    """Compare who was written or imported with those that look alike."""
    return duplicates.find_due()


@shared_task(base=Drain, name="customers.tasks.purge_expired")
def purge_expired() -> int:
    """Erase who was deleted long ago, and who nothing happened with for as long as the organization keeps people."""
    return retention.purge_expired()


@shared_task(base=Drain, name="customers.tasks.remind")
def remind() -> int:
    """Remind of tasks."""
    return reminders.remind_due()


@shared_task(base=Drain, name="customers.tasks.record_deadlines")
def record_deadlines() -> int:
    """Tell of customers and tasks that became overdue, and of follow-ups that are due."""
    return deadlines.record_passed()
