"""Brute force slowed, and nobody shut out of their own account by somebody else's guesses.

Failed sign-ins are counted for an account from one address, for an address, and for an account from everywhere. The
last has a high limit, and a browser in which this account has signed in before is not held to it: whoever guesses from
many addresses is slowed down, the owner at their own desk is not.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import SignInAttempt
from core.refused import Refused


@dataclass(frozen=True, slots=True)
class Limit:
    """After `failures` in the window, every further one doubles the wait, from `wait` to `longest`."""

    failures: int
    wait: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)


WINDOW = timedelta(minutes=15)
# One account, tried from one address.
PAIR = Limit(failures=5)
# An address may be a whole clinic behind one router, so it has more tries.
ADDRESS = Limit(failures=30)
# One account, tried from everywhere.
ACCOUNT = Limit(failures=50)
# What is no sign-in and has an address alone: questions for a new password, sign-ups.
QUESTIONS = Limit(failures=5)
# Begun at a provider: each makes a session's row, and a clinic behind one router begins its morning together.
BEGINNINGS = Limit(failures=200)


class TooManyAttempts(Refused):
    """Sign-in has to wait; `retry_after` says how long."""

    status = 429

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"Too many attempts. Try again in {max(int(retry_after.total_seconds()), 1)} seconds.")
        self.retry_after = retry_after


def _network(address: str) -> str:
    """What one caller can choose freely is one address: the last half of an IPv6 address, and a port."""
    try:
        result = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        host, separator, port = address.rpartition(":")
        return _network(host) if separator and port.isdecimal() and host.count(":") in (0, 7) else address
    if isinstance(result, ipaddress.IPv6Address):
        mapped = result.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((result, 64), strict=False))
    return str(result)


def _key(kind: str, value: str) -> str:
    # Up and down again: the database finds an account without regard to case, and to it ſ is an s and ı an i.
    same = value.strip().upper().lower()
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{same}".encode(), hashlib.sha256).hexdigest()


def _limits(email: str, address: str, *, is_known: bool) -> dict[str, Limit]:
    limits = {_key("pair", f"{email.strip()} {_network(address)}"): PAIR, _key("address", _network(address)): ADDRESS}
    if not is_known:
        limits[_key("account", email)] = ACCOUNT
    return limits


def require_allowed(*, email: str, address: str, is_known: bool = False) -> None:
    """Raises TooManyAttempts while this account or address is blocked, whatever the password.

    `is_known`: it comes from a browser in which this account has signed in before.
    """
    _require(_limits(email, address, is_known=is_known))


def count_failure(*, email: str, address: str, is_known: bool = False) -> None:
    """One more failed sign-in."""
    _count(_limits(email, address, is_known=is_known))


def require_address_allowed(address: str) -> None:
    """Raises TooManyAttempts while this address is blocked, for a sign-in that names no account."""
    _require({_key("address", _network(address)): ADDRESS})


def count_address_failure(address: str) -> None:
    """One more failed sign-in from the address that named no account."""
    _count({_key("address", _network(address)): ADDRESS})


def require_questions_left(*, about: str, address: str) -> None:
    """Raises TooManyAttempts where an address has asked too often about a thing that is no sign-in."""
    _require({_key(about, _network(address)): QUESTIONS})


def count_question(*, about: str, address: str) -> None:
    """One more question of this kind from the address."""
    _count({_key(about, _network(address)): QUESTIONS})


def count_beginning(*, address: str) -> None:
    """One more sign-in begun at a provider, which names no account. Raises TooManyAttempts after too many."""
    limits = {_key("beginning", _network(address)): BEGINNINGS}
    _require(limits)
    _count(limits)


def forget(*, email: str, address: str | None = None) -> None:
    """A sign-in that succeeded clears the account's count, and the one from this address; the address keeps its own."""
    keys = [_key("account", email)]
    if address is not None:
        keys.append(_key("pair", f"{email.strip()} {_network(address)}"))
    SignInAttempt.objects.filter(key__in=keys).delete()


def _require(limits: Mapping[str, Limit]) -> None:
    until = SignInAttempt.objects.filter(key__in=list(limits)).aggregate(until=Max("blocked_until"))["until"]
    if until is not None and until > timezone.now():
        raise TooManyAttempts(until - timezone.now())


@transaction.atomic
def _count(limits: Mapping[str, Limit]) -> None:
    now = timezone.now()
    # Sorted, so that two sign-ins at once lock the rows in the same order.
    for key, limit in sorted(limits.items(), key=lambda pair: pair[0]):
        row, _ = SignInAttempt.objects.select_for_update().get_or_create(key=key, defaults={"window_began_at": now})
        if row.window_began_at < now - WINDOW and (row.blocked_until is None or row.blocked_until < now):
            row.failures, row.window_began_at = 0, now
        row.failures += 1
        beyond = row.failures - limit.failures
        if beyond >= 0:
            row.blocked_until = now + min(limit.wait * 2 ** min(beyond, 10), limit.longest)
        row.save()
