"""Mails about one's own sign-in: written down with the change, sent by the worker."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import SecurityNotice, User
from activity import installation
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.jobs import wake_up
from core.sweeps import sweep

logger = logging.getLogger(__name__)

SEND = "accounts.tasks.send_security_notices"
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=3)
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
KEPT = timedelta(days=7)


def notify(*, user: User, kind: SecurityNotice.Kind, **details: str) -> None:
    """Have the user told by mail. Called in the transaction of what they are told of. A service has no mail."""
    if user.is_service:
        return
    SecurityNotice.objects.create(user=user, kind=kind, details=details, due_at=clock.now())
    wake_up(SEND)


def send_due() -> int:
    """Write the mails that are due; how many there were. Nothing leaves a restored copy."""
    if installation.is_held():
        return 0
    return sweep(QUEUE)


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """In a restored copy: tell nobody what its original has told them; how many."""
    rows = SecurityNotice.objects.filter(due_at__isnull=False)
    if not is_all:
        rows = rows.filter(due_at__lte=clock.now())
    deleted, _ = rows.delete()
    return deleted


def set_aside(row: SecurityNotice, reason: str) -> None:
    """Not sent; the installation's administrators see why."""
    settle(row, last_error=reason)


def send_again(*, notice: SecurityNotice) -> None:
    """Send one that could not be sent, soon."""
    SecurityNotice.objects.filter(pk=notice.pk).update(due_at=clock.now(), attempts=0, last_error="", **released())


def purge_old() -> int:
    """Delete what could not be sent and is no news any more."""
    deleted, _ = SecurityNotice.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted


def _rows() -> QuerySet[SecurityNotice]:
    return SecurityNotice.objects.select_related("user")


def _work(row: SecurityNotice) -> None:
    if not row.user.is_active or row.created_at < timezone.now() - KEPT:
        row.delete()
        return
    context = {"notice": row, "user": row.user, "base": settings.PUBLIC_BASE_URL}
    try:
        subject = " ".join(render_to_string("accounts/credentials/notice_subject.txt", context).split())
        text = render_to_string(f"accounts/credentials/notices/{row.kind}.txt", context)
        EmailMessage(subject, text, None, [row.details.get("to") or row.user.email]).send()
    except Exception as error:  # noqa: BLE001 - a mail server may fail in any way
        pause = backoff(row.attempts, RETRY_AFTER)
        logger.warning("security_notice_not_sent", extra={"reason": reason_of(error, length=300)})
        settle(row, due_at=None if pause is None else clock.now() + pause, last_error=reason_of(error))
        return
    row.delete()


QUEUE = queues.register(
    queues.Queue(
        name="security notices",
        model=SecurityNotice,
        rows=_rows,
        work=_work,
        set_aside=set_aside,
        why="a notice is a user's, who may belong to several organizations",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(SecurityNotice),
        has_organizations=False,
    )
)
