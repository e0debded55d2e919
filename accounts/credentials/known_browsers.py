"""Browsers in which an account has signed in before, remembered by a signed cookie."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "known"
SALT = "accounts.known_browsers"
KEPT = timedelta(days=365)
MAX_ACCOUNTS = 5


def is_known(request: HttpRequest, email: str) -> bool:
    """Whether this account has signed in with this browser within a year."""
    return _mark(email) in _marks(request)


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Write it down in the answer to a sign-in."""
    mark = _mark(email)
    marks = [mark, *(other for other in _marks(request) if other != mark)][:MAX_ACCOUNTS]
    response.set_signed_cookie(
        COOKIE,
        ".".join(marks),
        salt=SALT,
        max_age=KEPT,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _marks(request: HttpRequest) -> list[str]:
    value = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT)
    return value.split(".") if value else []


def _mark(email: str) -> str:
    name = email.strip().upper().lower()
    return hmac.new(settings.SECRET_KEY.encode(), f"{SALT}:{name}".encode(), hashlib.sha256).hexdigest()[:32]
