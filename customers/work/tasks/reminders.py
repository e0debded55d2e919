"""Reminders of tasks: kept in step with the task, and sent once.

A worker claims what is due (core/claims.py), reaches the mail server, writes `sent_at` and its event, and only then
sends the mail. One that dies earlier leaves a reminder that another sends; one that dies between the two sent none,
which is better than two. What is known not to have gone out, because the server was not there or refused it, is tried
again a few times.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import get_connection, send_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Member
from activity import installation
from activity.actor import SYSTEM, acting_as
from activity.ledger import record
from activity.models import Event
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Task, TaskReminder
from customers.models.querysets import within_reach

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=5)
# What was due longer ago while nothing might leave is not sent any more.
LATE_AFTER = timedelta(days=1)
# So long after each attempt that failed comes the next; a reminder hours late helps nobody any more.
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
# The server's own words that it did not take the mail. A connection that breaks meanwhile says nothing.
REFUSED = (SMTPResponseException, SMTPRecipientsRefused)


def keep_in_step(task: Task) -> None:
    """Set the reminder to the task's `remind_at`, or delete it: where it is done, has no such time, or no assignee.

    Called in the transaction that changed the task. A time that has passed already reminds nobody, and what went out is
    not sent again unless another time is set.
    """
    row = TaskReminder.objects.filter(task=task).first()
    is_due = task.is_open and task.remind_at is not None and task.assigned_to_id is not None
    if is_due and row is not None and row.remind_at == task.remind_at:
        # It waits, is being sent at this moment, or went out.
        return
    if task.remind_at is None or not is_due or task.remind_at <= timezone.now():
        if row is not None:
            row.delete()
        return
    fresh = {
        "remind_at": task.remind_at, "due_at": task.remind_at, "attempts": 0, "sent_at": None, "last_error": "",
        **released(),
    }  # fmt: skip
    TaskReminder.objects.update_or_create(
        task=task, defaults=fresh, create_defaults={**fresh, "organization": task.organization}
    )


def remind_due() -> int:
    """Send every reminder that is due; returns how many. A restored copy sends nothing."""
    if installation.is_held():
        return 0
    return sweep(QUEUE)


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """Cancel the reminders that a restored copy shares with its original; returns how many."""
    with every_organization("the decision about a copy is for all organizations"):
        rows = TaskReminder.objects.filter(due_at__isnull=False)
        if not is_all:
            rows = rows.filter(due_at__lte=clock.now())
        return int(rows.update(due_at=None, **released()))


def skip_late(event: Event) -> None:
    """The organization goes on after it was suspended: nobody is reminded of what was due more than a day ago. The
    task stands among the overdue. One statement."""
    rows = TaskReminder.objects.filter(organization=event.organization, due_at__lt=clock.now() - LATE_AFTER)
    rows.update(due_at=None, **released())


def set_aside(row: TaskReminder, reason: str) -> None:
    """Stop sending a reminder; the admin shows why, and another time of the task starts it again."""
    settle(row, last_error=reason)


def remind_again(row: TaskReminder) -> bool:
    """Have one that was set aside sent after all; False where it was not, or something else became of it."""
    waiting = TaskReminder.objects.filter(pk=row.pk, sent_at=None, due_at=None).exclude(last_error="")
    return waiting.update(due_at=clock.now(), attempts=0, last_error="", **released()) == 1


def _reminders() -> QuerySet[TaskReminder]:
    return TaskReminder.objects.select_related("organization")


def _work(row: TaskReminder) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        _remind(row)


def _remind(row: TaskReminder) -> None:
    task = Task.objects.select_related("assigned_to", "organization").get(pk=row.task_id)
    member = _reader(task)
    if member is None:
        settle(row)
        return
    mailer = get_connection()
    try:
        mailer.open()
    except OSError as error:  # what smtplib raises is one too
        settle(row, due_at=_next_attempt(row, error))
        return
    try:
        _send(row, task, member, mailer)
    finally:
        mailer.close()


def _send(row: TaskReminder, task: Task, member: Member, mailer: BaseEmailBackend) -> None:
    with transaction.atomic():
        if not settle(row, sent_at=timezone.now()):
            return
        record(
            events.TASK_REMINDED,
            subject=task,
            # A mail that is tried again is no second reminder.
            source_key=f"{row.pk}:{row.remind_at.isoformat()}",
            payload={"to": str(member.user_id)},
        )
    try:
        _mail(task, member, mailer)
    except REFUSED as error:
        # Not where the task got another time meanwhile: then that one stands.
        ended = TaskReminder.objects.filter(pk=row.pk, sent_at=row.sent_at, due_at__isnull=True)
        ended.update(sent_at=None, due_at=_next_attempt(row, error))


def _next_attempt(row: TaskReminder, error: Exception) -> datetime | None:
    """When what did not go out is tried again; None where it was tried often enough."""
    wait = backoff(row.attempts, RETRY_AFTER)
    details = {"reminder_id": str(row.pk), "attempts": row.attempts, "reason": reason_of(error, length=200)}
    logger.warning("reminder_not_sent" if wait is None else "reminder_postponed", extra=details)
    return None if wait is None else clock.now() + wait


def _reader(task: Task) -> Member | None:
    """The recipient; None where the task is done, or they left or may not see it or its customer any more."""
    if not task.is_open or task.assigned_to_id is None:
        return None
    rows = (
        Member.objects.active().people().with_access().filter(organization=task.organization, user=task.assigned_to_id)
    )
    member = rows.first()
    if member is None or not member.may("tasks.view"):
        return None
    seen = Task.objects.visible_to(member).filter(pk=task.pk)
    if task.customer_id is not None:
        seen = seen.filter(within_reach(member))
    return member if seen.exists() else None


def _mail(task: Task, member: Member, mailer: BaseEmailBackend) -> None:
    """What it is about is in the text; a subject is shown on locked screens."""
    path = reverse("customers:edit_task", args=[task.organization.slug, task.pk])
    context = {"task": task, "member": member, "url": f"{settings.PUBLIC_BASE_URL.rstrip('/')}{path}"}
    with timezone.override(task.organization.zone):
        body = render_to_string("customers/work/mail/task_reminder.txt", context)
        subject = " ".join(render_to_string("customers/work/mail/task_reminder_subject.txt", context).split())
    send_mail(subject, body, None, [member.user.email], connection=mailer)


QUEUE = queues.register(
    queues.Queue(
        name="reminders",
        model=TaskReminder,
        rows=_reminders,
        work=_work,
        set_aside=set_aside,
        why="the reminders of all organizations are sent by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(TaskReminder, since="remind_at", sent_at=None),
    )
)
