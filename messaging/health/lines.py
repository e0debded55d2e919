"""How channels and mailboxes are, as lines of the doctor; for an organization's page and for the installation's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop

from activity.doctor.checks import Line, Status, about, failed, good, warning
from core import clock
from messaging.models import Channel, Mailbox

# A mailbox that was not looked at for so many of its intervals is late; after the fixed time it has failed.
LATE_INTERVALS: Final = 5
LATE_AFTER: Final = timedelta(minutes=5)
FAILED_AFTER: Final = timedelta(minutes=30)

_WORKS: Final = gettext_noop("Works. Last in: %(last_in)s. Last out: %(last_out)s.")
_TROUBLED: Final = gettext_noop("%(error)s Last in: %(last_in)s. Last out: %(last_out)s.")
_OPEN: Final = gettext_noop("Open the channel: it says what to correct, and a check there tries it.")
_UNREADABLE: Final = gettext_noop("The channel’s secrets can’t be read: the key that they were written with is gone.")
_ENTER_AGAIN: Final = gettext_noop("Put the old key back into ENCRYPTION_KEYS, or enter the secrets anew.")
_READ: Final = gettext_noop("Looked at %(minutes)s min ago.")
_LAGS: Final = gettext_noop("Not looked at for %(minutes)s min. %(error)s")
_NOT_READ: Final = gettext_noop("Not looked at yet. %(error)s")
_SEE_MAILBOX: Final = gettext_noop(
    "Open the channel and check it: server, user and password. Mail waits at the server."
)


def of_channel(channel: Channel, last_in: datetime | None, last_out: datetime | None, url: str = "") -> Line:
    """A channel that is in use."""
    values = {"last_in": last_in or "–", "last_out": last_out or "–"}
    if not channel.is_readable:
        line = failed(_UNREADABLE, _ENTER_AGAIN)
    elif channel.last_error:
        line = failed(_TROUBLED, _OPEN, error=channel.last_error, **values)
    else:
        line = good(_WORKS, **values)
    since = channel.last_error_at if line.status == Status.FAILED else None
    return about(line, str(channel.pk), channel.name, url=url, since=since)


def of_mailbox(box: Mailbox, url: str = "") -> Line:
    """A mailbox that is read."""
    now, channel = clock.now(), box.channel
    late_after = max(LATE_AFTER, LATE_INTERVALS * timedelta(seconds=settings.MAIL_POLL_SECONDS))
    error = box.last_error
    if box.checked_at is None:
        begun = channel.created_at
        line = warning(_NOT_READ, _SEE_MAILBOX, error=error) if now - begun > late_after else good(_NOT_READ, error="")
        return about(line, str(box.pk), channel.name, url=url, since=begun)
    age = now - box.checked_at
    minutes = int(age.total_seconds() // 60)
    if age > FAILED_AFTER:
        line = failed(_LAGS, _SEE_MAILBOX, minutes=minutes, error=error)
    elif age > late_after:
        line = warning(_LAGS, _SEE_MAILBOX, minutes=minutes, error=error)
    else:
        return about(good(_READ, minutes=minutes), str(box.pk), channel.name, url=url)
    return about(line, str(box.pk), channel.name, url=url, since=box.checked_at)
