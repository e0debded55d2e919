"""A round of checks: what is due is run, and the installation's administrators are notified of what failed.

A worker does it each minute. Where no worker answers, the beat does: it is the one that is left to say so.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import Error
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from activity.doctor import checks, services
from activity.doctor.checks import Line, Status
from activity.models import InstallationCheck
from core import clock
from core.jobs import close_connections
from crm_project import watch

logger = logging.getLogger(__name__)

# What is over by the next round is nobody's to get up for.
REPORTED_AFTER: Final = timedelta(seconds=45)
# One that comes and goes is reported once an hour, and one that stays once a day.
REPORTED_AGAIN_AFTER: Final = timedelta(hours=1)
REMINDED_AFTER: Final = timedelta(days=1)


def run() -> int:
    """Run the checks that are due and report; how many were run."""
    count = services.run_due()
    report_failures()
    return count


def report_failures() -> int:
    """Mail the installation's administrators what has failed and was not reported yet; how many lines."""
    now = clock.now()
    news = Q(reported_at=None) | Q(reported_at__lt=now - REMINDED_AFTER)
    # It was good in between.
    news |= Q(reported_at__lt=now - REPORTED_AGAIN_AFTER, since__gt=F("reported_at"))
    failing = InstallationCheck.objects.filter(status=Status.FAILED, since__lte=now - REPORTED_AFTER)
    rows = [row for row in failing.filter(news).order_by("since") if _taken(row, now)]
    if rows:
        logger.error("checks_failed", extra={"checks": [f"{row.name} {row.key}".strip() for row in rows]})
        _mail(rows)
    return len(rows)


def _taken(row: InstallationCheck, now: datetime) -> bool:
    """Two workers may be at it: one of them reports."""
    before = InstallationCheck.objects.filter(pk=row.pk, reported_at=row.reported_at)
    return before.update(reported_at=now) == 1


def _mail(rows: list[InstallationCheck]) -> None:
    found = []
    for row in rows:
        check = checks.CHECKS.get(row.name)
        line = Line(status=Status(row.status), text=row.text, advice=row.advice, values=row.values)
        found.append({"label": check.label if check else row.name, "about": row.label, "line": line})
    url = f"{settings.PUBLIC_BASE_URL.rstrip('/')}{reverse('admin_health')}"
    body = render_to_string("crm_project/mail/checks_failed.txt", {"found": found, "url": url})
    subject = gettext("Parley: %(label)s has failed") % {"label": ", ".join(str(one["label"]) for one in found)[:150]}
    addresses = User.objects.filter(is_superuser=True, is_active=True).values_list("email", flat=True)
    try:
        get_connection().send_messages([EmailMessage(subject, body, to=[address]) for address in addresses])
    except OSError:
        logger.warning("administrators_not_told", exc_info=True)


class Substitute:
    """The beat's part: a round of checks while no worker answers, in a thread, since the beat must go on ticking."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._ran_at: datetime | None = None

    def look(self) -> bool:
        """Begin a round where one is due and no worker can; whether it did."""
        if self._thread is not None and self._thread.is_alive():
            return False
        now = clock.now()
        if (self._ran_at is not None and now - self._ran_at < checks.RUN_EVERY) or not watch.worker_works():
            return False
        self._ran_at = now
        self._thread = threading.Thread(target=_run_quietly, name="checks", daemon=True)
        self._thread.start()
        return True


def _run_quietly() -> None:
    try:
        run()
    except Error:
        logger.warning("checks_without_database", exc_info=True)
    finally:
        close_connections()
