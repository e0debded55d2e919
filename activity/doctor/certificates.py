"""What the end of a certificate means; for whoever asks a server of its kind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_noop

from activity.doctor.checks import Line, failed, good, unknown, warning
from core import clock

# Who renews by machine does so 30 days before the end: two weeks before, that has failed for two weeks.
ENDS_SOON: Final = timedelta(days=14)
ENDS_NOW: Final = timedelta(days=3)

_GOOD: Final = gettext_noop("The certificate of %(host)s is good for %(days)s more days.")
_SOON: Final = gettext_noop("The certificate of %(host)s ends in %(days)s days.")
_RENEW: Final = gettext_noop("Renew it, or find out why the renewal does not run by itself.")
_REFUSED: Final = gettext_noop("The certificate of %(host)s is not valid: %(reason)s.")
_REPLACE: Final = gettext_noop("Install a certificate for this name that is in date and that everybody trusts.")
_NOT_KNOWN: Final = gettext_noop("Nobody knows when the certificate of %(host)s ends.")


def line(host: str, ends_at: datetime | None) -> Line:
    """The line for a certificate that was found valid."""
    if ends_at is None:
        return unknown(_NOT_KNOWN, host=host)
    left = ends_at - clock.now()
    days = max(left.days, 0)
    if left < ENDS_NOW:
        return failed(_SOON, _RENEW, host=host, days=days)
    if left < ENDS_SOON:
        return warning(_SOON, _RENEW, host=host, days=days)
    return good(_GOOD, host=host, days=days)


def refused(host: str, reason: str) -> Line:
    """The line for one that is not."""
    return failed(_REFUSED, _REPLACE, host=host, reason=reason)
