"""Reminders of tasks: kept in step with the task, and sent once.

A worker claims what is due (core/claims.py), writes `sent_at` and its event, and only then sends the mail. One that
dies earlier leaves a reminder that another sends; one that dies between the two sent none, which is better than two.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Member
from activity.actor import SYSTEM, acting_as
from activity.ledger import record
from core.claims import claim, give_back, settle
from core.jobs import stopping
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Task, TaskReminder
from customers.querysets import within_reach

logger = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)


def keep_in_step(task: Task) -> None:
    """Have a reminder at the task's `remind_at`, or none: where it is done, has no such time, or nobody's to do.

    Called in the transaction that changed the task. A time that has passed already reminds nobody, and what went out is
    not sent again unless another time is set.
    """
    row = TaskReminder.objects.filter(task=task).first()
    is_wanted = task.is_open and task.remind_at is not None and task.assigned_to_id is not None
    if is_wanted and row is not None and row.remind_at == task.remind_at:
        # It waits, is being sent at this moment, or went out.
        return
    if task.remind_at is None or not is_wanted or task.remind_at <= timezone.now():
        if row is not None:
            row.delete()
        return
    fresh = {
        "remind_at": task.remind_at, "due_at": task.remind_at, "claim_token": None, "attempts": 0, "sent_at": None,
    }  # fmt: skip
    TaskReminder.objects.update_or_create(
        task=task, defaults=fresh, create_defaults={**fresh, "organization": task.organization}
    )


def remind_due() -> int:
    """Send every reminder that is due; how many there were. What was not begun is given back when the process ends."""
    done = 0
    while True:
        with every_organization("the reminders of all organizations are sent by one sweep"):
            rows = claim(TaskReminder.objects.select_related("organization"), limit=BATCH, lease=LEASE)
        for position, row in enumerate(rows):
            if stopping():
                give_back(rows[position:])
                return done
            try:
                with organization_scope(row.organization), acting_as(SYSTEM):
                    _remind(row)
            except Exception:  # the others of the batch must not wait for the end of the lease
                logger.exception("reminder_failed", extra={"reminder_id": str(row.pk)})
            done += 1
        if len(rows) < BATCH:
            return done


def _remind(row: TaskReminder) -> None:
    task = Task.objects.select_related("assigned_to", "organization").get(pk=row.task_id)
    member = _reader(task)
    if member is None:
        settle(row)
        return
    with transaction.atomic():
        if not settle(row, sent_at=timezone.now()):
            return
        record(events.TASK_REMINDED, subject=task, customer_id=task.customer_id, payload={"to": str(member.user_id)})
    _mail(task, member)


def _reader(task: Task) -> Member | None:
    """Whom to remind; none where it is done, they left, or may not see the task or its customer any more."""
    if not task.is_open or task.assigned_to_id is None:
        return None
    rows = Member.objects.active().with_access().filter(organization=task.organization, user=task.assigned_to_id)
    member: Member | None = rows.first()
    if member is None or not member.may("tasks.view"):
        return None
    seen = Task.objects.visible_to(member).filter(pk=task.pk)
    if task.customer_id is not None:
        seen = seen.filter(within_reach(member))
    return member if seen.exists() else None


def _mail(task: Task, member: Member) -> None:
    """What it is about is in the text; a subject is shown on locked screens."""
    path = reverse("customers:edit_task", args=[task.organization.slug, task.pk])
    shown = {"task": task, "member": member, "url": f"{settings.PUBLIC_BASE_URL.rstrip('/')}{path}"}
    with timezone.override(task.organization.zone):
        body = render_to_string("customers/mail/task_reminder.txt", shown)
        subject = " ".join(render_to_string("customers/mail/task_reminder_subject.txt", shown).split())
    send_mail(subject, body, None, [member.user.email])
