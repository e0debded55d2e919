"""The mails of invitations: rows that wait, sent by the worker."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.invitations.links import address_of
from accounts.models import Invitation
from activity import installation
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=3)
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))


def send_due() -> int:
    """Write the mails that are due; how many there were. Nothing leaves a restored copy."""
    if installation.is_held():
        return 0
    return sweep(QUEUE)


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """In a restored copy: write to nobody whom its original has written to; how many."""
    with every_organization("the decision about a copy is for all organizations"):
        rows = Invitation.objects.filter(due_at__isnull=False)
        if not is_all:
            rows = rows.filter(due_at__lte=clock.now())
        return int(rows.update(due_at=None, **released()))


def set_aside(row: Invitation, reason: str) -> None:
    """Not sent; the list of invitations says why, and sending it again there starts it anew."""
    settle(row, last_error=reason)


def _rows() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("organization", "role", "invited_by__user")


def _work(row: Invitation) -> None:
    with organization_scope(row.organization):
        if row.status != Invitation.Status.PENDING:
            settle(row)
            return
        if not row.organization.is_active:
            # Suspended in this moment: it leaves once the organization goes on.
            settle(row, due_at=clock.now(), attempts=max(row.attempts - 1, 0))
            return
        try:
            _mail(row)
        except Exception as error:  # noqa: BLE001 - a mail server may fail in any way
            pause = backoff(row.attempts, RETRY_AFTER)
            logger.warning("invitation_not_sent", extra={"reason": reason_of(error, length=300)})
            settle(row, due_at=None if pause is None else clock.now() + pause, last_error=reason_of(error))
            return
        settle(row, sent_at=timezone.now(), last_error="")


def _mail(row: Invitation) -> None:
    inviter = row.invited_by.user.get_full_name() if row.invited_by is not None else ""
    context = {"invitation": row, "inviter": inviter, "url": address_of(row)}
    subject = " ".join(render_to_string("accounts/invitations/mail_subject.txt", context).split())
    EmailMessage(subject, render_to_string("accounts/invitations/mail.txt", context), None, [row.email]).send()


QUEUE = queues.register(
    queues.Queue(
        name="invitations",
        model=Invitation,
        rows=_rows,
        work=_work,
        set_aside=set_aside,
        why="invitations of all organizations are mailed",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(Invitation, accepted_at=None, revoked_at=None),
    )
)
