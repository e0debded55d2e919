"""Between the two steps of a sign-in: who has shown the password, or was sent by a provider, and is asked for a code.

It stands in the session, which signs nobody in, for ten minutes and as long as the password stays what it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.credentials.ways import ProviderWay
from accounts.models import User

KEY: Final = "second_step"
WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Whom the code is asked of, and where they go then."""

    user: User
    path: str
    # None: they have shown the password.
    way: ProviderWay | None = None


def begin(request: HttpRequest, user: User, path: str, way: ProviderWay | None = None) -> None:
    """The user has shown the password, or their provider has said who it is."""
    request.session.cycle_key()
    request.session[KEY] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "at": timezone.now().timestamp(),
        "path": path,
        "way": asdict(way) if way is not None else None,
    }


def of(request: HttpRequest) -> SecondStep | None:
    """The step that this browser stands before; None where there is none, or it came too late."""
    kept = request.session.get(KEY)
    if not isinstance(kept, dict) or timezone.now().timestamp() - kept["at"] > WITHIN.total_seconds():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    way = kept.get("way")
    return SecondStep(user, kept["path"], ProviderWay(**way) if way else None)


def end(request: HttpRequest) -> None:
    """It was done, or given up."""
    request.session.pop(KEY, None)
