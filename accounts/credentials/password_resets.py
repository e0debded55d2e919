"""A forgotten password: asked for by a page, answered by mail from the worker.

The page does the same for every address that it is given, and never waits for a mail server.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.credentials import throttle
from accounts.models import PasswordReset, User
from activity import installation
from core import clock, queues
from core.claims import backoff, reason_of, settle
from core.jobs import wake_up
from core.sweeps import sweep

logger = logging.getLogger(__name__)

SEND = "accounts.tasks.send_password_resets"
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=3)
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
# A link that comes later than this is not expected any more.
KEPT = timedelta(hours=4)


@transaction.atomic
def ask(*, email: str, address: str) -> None:
    """Have a link sent to this e-mail, if it is somebody's. Raises TooManyAttempts where an address asks too often."""
    throttle.require_questions_left(about="reset", address=address)
    throttle.count_question(about="reset", address=address)
    PasswordReset.objects.create(email=email.strip().lower(), due_at=clock.now())
    wake_up(SEND)


def send_due() -> int:
    """Write the mails that were asked for; how many questions there were.

    In a restored copy only for those who asked there: the others have their mail from the original.
    """
    copy = installation.held()
    if copy is not None and copy.held_since is not None:
        PasswordReset.objects.filter(created_at__lt=copy.held_since).delete()
    return sweep(QUEUE)


def set_aside(row: PasswordReset, reason: str) -> None:
    """No mail; whoever asked asks again, and the installation's administrators see why."""
    settle(row, last_error=reason)


def _answer(row: PasswordReset) -> None:
    if row.created_at < timezone.now() - KEPT or (row.attempts <= 1 and _is_too_often(row.email)):
        row.delete()
        return
    public = urlsplit(settings.PUBLIC_BASE_URL)
    form = _Form({"email": row.email})
    if not form.is_valid():
        row.delete()
        return
    try:
        # The link leads to the address that the settings know, whatever host the request was sent to.
        form.save(
            domain_override=public.netloc,
            use_https=public.scheme == "https",
            email_template_name="accounts/credentials/password_reset.txt",
            subject_template_name="accounts/credentials/password_reset_subject.txt",
        )
    except Exception as error:  # noqa: BLE001 - a mail server may fail in any way
        pause = backoff(row.attempts, RETRY_AFTER)
        logger.warning("password_reset_not_sent", extra={"reason": reason_of(error, length=300)})
        settle(row, due_at=None if pause is None else clock.now() + pause, last_error=reason_of(error))
        return
    row.delete()


class _Form(PasswordResetForm):
    """Django's link; a mail that can't be sent raises, so that it is tried again."""

    def get_users(self, email: str) -> Iterable[User]:
        """Also who has no password yet, as Django's choice has not: whoever reads the mail is its owner, and sets one.

        A service has none, and no mail.
        """
        return User.objects.filter(email__iexact=email, is_active=True, is_service=False)

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: Mapping[str, object],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        subject = " ".join(render_to_string(subject_template_name, context).split())
        EmailMessage(subject, render_to_string(email_template_name, context), from_email, [to_email]).send()


def _is_too_often(email: str) -> bool:
    """Whether this account was sent enough links for now; counted for every e-mail, known or not."""
    try:
        throttle.require_questions_left(about="reset of", address=email)
    except throttle.TooManyAttempts:
        return True
    throttle.count_question(about="reset of", address=email)
    return False


def purge_old() -> int:
    """Delete what was asked for long ago and could never be sent."""
    deleted, _ = PasswordReset.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted


QUEUE = queues.register(
    queues.Queue(
        name="password resets",
        model=PasswordReset,
        rows=PasswordReset.objects.all,
        work=_answer,
        set_aside=set_aside,
        why="nobody knows whose they are",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(PasswordReset),
        has_organizations=False,
    )
)
