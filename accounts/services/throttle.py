"""Brute force slowed: failed sign-ins are counted for the account and for the address alike."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import SignInAttempt


@dataclass(frozen=True, slots=True)
class Limit:
    """After `failures` in the window, every further one doubles the wait, from `wait` to `longest`."""

    failures: int
    wait: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)


WINDOW = timedelta(minutes=15)
# An address may be a whole clinic behind one router, so it has more tries than an account.
ACCOUNT = Limit(failures=5)
ADDRESS = Limit(failures=30)


class TooManyAttempts(Exception):
    """Sign-in has to wait; `retry_after` says how long."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"Too many attempts. Try again in {max(int(retry_after.total_seconds()), 1)} seconds.")
        self.retry_after = retry_after


def _key(kind: str, value: str) -> str:
    # Up and down again: the database finds an account without regard to case, and to it ſ is an s and ı an i.
    same = value.strip().upper().lower()
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{same}".encode(), hashlib.sha256).hexdigest()


def _limits(email: str, address: str) -> Iterable[tuple[str, Limit]]:
    # Sorted, so that two sign-ins at once lock the rows in the same order.
    return sorted([(_key("account", email), ACCOUNT), (_key("address", address), ADDRESS)], key=lambda pair: pair[0])


def require_allowed(*, email: str, address: str) -> None:
    """Raises TooManyAttempts while this account or address is blocked, whatever the password."""
    keys = [key for key, _ in _limits(email, address)]
    until = SignInAttempt.objects.filter(key__in=keys).aggregate(until=Max("blocked_until"))["until"]
    if until is not None and until > timezone.now():
        raise TooManyAttempts(until - timezone.now())


def require_questions_left(*, about: str, address: str) -> None:
    """Raises TooManyAttempts where an address has asked too often about a thing that is no sign-in of an account."""
    require_allowed(email=f"{about}:{address}", address=f"{about}:{address}")


def count_question(*, about: str, address: str) -> None:
    """One more question of this kind from the address."""
    count_failure(email=f"{about}:{address}", address=f"{about}:{address}")


@transaction.atomic
def count_failure(*, email: str, address: str) -> None:
    """One more failed sign-in for both."""
    now = timezone.now()
    for key, limit in _limits(email, address):
        row, _ = SignInAttempt.objects.select_for_update().get_or_create(key=key, defaults={"window_began_at": now})
        if row.window_began_at < now - WINDOW and (row.blocked_until is None or row.blocked_until < now):
            row.failures, row.window_began_at = 0, now
        row.failures += 1
        beyond = row.failures - limit.failures
        if beyond >= 0:
            row.blocked_until = now + min(limit.wait * 2 ** min(beyond, 10), limit.longest)
        row.save()


def forget(*, email: str) -> None:
    """A sign-in that succeeded clears the account; the address keeps its count."""
    SignInAttempt.objects.filter(key=_key("account", email)).delete()
