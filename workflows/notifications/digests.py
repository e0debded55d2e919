"""One mail with the unread lines of somebody who is away: looked at when they could have been away for long enough.

A worker claims what is due (core/claims.py), reaches the mail server, notes the lines as mailed, and only then sends.
One that dies earlier leaves lines that another mails; one that dies between the two sent none, which is better than
two. What is known not to have gone out, because the server was not there or refused it, is tried again a few times.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Final
from uuid import UUID

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
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope
from workflows.models import Notification, NotificationDigest
from workflows.notifications import preferences, queries
from workflows.notifications.kinds.registry import KINDS, Way
from workflows.notifications.preferences import Preferences

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=5)
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
# The server's own words that it did not take the mail. A connection that breaks meanwhile says nothing.
REFUSED = (SMTPResponseException, SMTPRecipientsRefused)
# A mail names so many; of the others it says how many they are.
MAX_SHOWN: Final = 20


def schedule(members: Sequence[Member]) -> None:
    """Have the lines of these members looked at once they could have been away for long enough; who is waiting for a
    look already keeps their time. Called at the end of the transaction that raised a line.

    The row is locked as the sender locks it: it either sees the line, or is due again.
    """
    due_at = clock.now() + _away_after()
    for member in sorted(members, key=lambda one: one.pk):
        rows = NotificationDigest.objects.select_for_update(of=("self",), no_key=True)
        row, _made = rows.get_or_create(member=member, defaults={"organization": member.organization, "due_at": due_at})
        if row.due_at is None:
            NotificationDigest.objects.filter(pk=row.pk).update(due_at=due_at, attempts=0, last_error="")


def send_due() -> int:
    """Mail whoever is away and has unread lines; how many were looked at. A restored copy mails nobody."""
    if installation.is_held():
        return 0
    return sweep(QUEUE)


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """Cancel the mails that a restored copy shares with its original; returns how many."""
    with every_organization("the decision about a copy is for all organizations"):
        rows = NotificationDigest.objects.filter(due_at__isnull=False)
        if not is_all:
            rows = rows.filter(due_at__lte=clock.now())
        return int(rows.update(due_at=None, **released()))


def set_aside(row: NotificationDigest, reason: str) -> None:
    """Not mailed; the lines stand in the list, and the next one starts it again."""
    settle(row, last_error=reason)


def forget(member_id: UUID) -> None:
    """Of a member who is none any more."""
    NotificationDigest.objects.filter(member=member_id).delete()


def lines_to_mail(member: Member, chosen: Preferences) -> list[Notification]:
    """The unread lines, newest first, that were in no mail yet and are of kinds that the member wants mailed."""
    names = [kind.name for kind in KINDS if Way.EMAIL in chosen.ways(kind)]
    return list(queries.filtered(member, is_unread=True).filter(mailed_at=None, kind__in=names))


def _away_after() -> timedelta:
    return timedelta(minutes=settings.NOTIFICATION_MAIL_AFTER_MINUTES)


def _digests() -> QuerySet[NotificationDigest]:
    return NotificationDigest.objects.select_related("organization")


def _work(row: NotificationDigest) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        member = Member.objects.active().people().with_access().filter(pk=row.member_id).first()
        if member is None:
            settle(row)
            return
        chosen = preferences.of(member)
        if (later := _not_before(member, chosen)) is not None:
            settle(row, due_at=later, attempts=0)
            return
        _mail_lines(row, member, chosen)


def _not_before(member: Member, chosen: Preferences) -> datetime | None:
    """Until when the member may still be at work, or wants quiet; None where they can be mailed now."""
    now = clock.now()
    if member.last_seen_at is not None and now < member.last_seen_at + _away_after():
        return member.last_seen_at + _away_after()
    return preferences.quiet_until(member, chosen, now)


def _mail_lines(row: NotificationDigest, member: Member, chosen: Preferences) -> None:
    mailer = get_connection()
    try:
        mailer.open()
    except OSError as error:  # what smtplib raises is one too
        settle(row, due_at=_next_attempt(row, error), last_error=reason_of(error))
        return
    try:
        _send(row, member, chosen, mailer)
    finally:
        mailer.close()


def _send(row: NotificationDigest, member: Member, chosen: Preferences, mailer: BaseEmailBackend) -> None:
    now = timezone.now()
    with transaction.atomic():
        # Whoever raises a line now waits, and then finds that nothing is due.
        NotificationDigest.objects.select_for_update(of=("self",), no_key=True).filter(pk=row.pk).first()
        lines = lines_to_mail(member, chosen)
        if not settle(row, last_error="") or not lines:
            return
        marked = Notification.objects.filter(pk__in=[line.pk for line in lines])
        marked.update(mailed_at=now, changed_at=now)
    try:
        _mail(member, lines, mailer)
    except REFUSED as error:
        with transaction.atomic():
            NotificationDigest.objects.select_for_update(of=("self",), no_key=True).filter(pk=row.pk).first()
            Notification.objects.filter(pk__in=[line.pk for line in lines], mailed_at=now).update(mailed_at=None)
            ended = NotificationDigest.objects.filter(pk=row.pk, due_at__isnull=True)
            ended.update(due_at=_next_attempt(row, error), last_error=reason_of(error))


def _next_attempt(row: NotificationDigest, error: Exception) -> datetime | None:
    """When what did not go out is tried again; None where it was tried often enough."""
    wait = backoff(row.attempts, RETRY_AFTER)
    details = {"member_id": str(row.member_id), "attempts": row.attempts, "reason": reason_of(error, length=200)}
    logger.warning("digest_not_sent" if wait is None else "digest_postponed", extra=details)
    return None if wait is None else clock.now() + wait


def _mail(member: Member, lines: Sequence[Notification], mailer: BaseEmailBackend) -> None:
    """Sentences and links; nothing that a customer wrote. A subject is shown on locked screens: it names nobody."""
    organization = member.organization
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    slug = organization.slug
    shown = queries.lines_of(lines[:MAX_SHOWN], slug)
    context = {
        "member": member,
        "organization": organization,
        "lines": [
            (line, f"{base}{reverse('workflows:open_notification', args=[slug, line.row.pk])}") for line in shown
        ],
        "count": len(lines),
        "more": len(lines) - len(shown),
        "url": f"{base}{reverse('workflows:notifications', args=[slug])}",
        "preferences_url": f"{base}{reverse('workflows:notification_preferences', args=[slug])}",
    }
    with timezone.override(organization.zone):
        body = render_to_string("workflows/notifications/mail/digest.txt", context)
        subject = " ".join(render_to_string("workflows/notifications/mail/digest_subject.txt", context).split())
    send_mail(subject, body, None, [member.user.email], connection=mailer)


QUEUE = queues.register(
    queues.Queue(
        name="notification mails",
        model=NotificationDigest,
        rows=_digests,
        work=_work,
        set_aside=set_aside,
        why="the mails of all organizations are sent by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(NotificationDigest),
    )
)
