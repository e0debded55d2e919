"""Whether the person at a browser has shown who they are a short while ago: asked before a change of credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

KEY: Final = "confirmed_at"
WITHIN: Final = timedelta(minutes=15)


def note(request: HttpRequest) -> None:
    """They have shown it now."""
    request.session[KEY] = timezone.now().timestamp()


def is_recent(request: HttpRequest) -> bool:
    """Whether they have within the last 15 minutes."""
    at = request.session.get(KEY)
    return isinstance(at, float) and 0 <= timezone.now().timestamp() - at <= WITHIN.total_seconds()
