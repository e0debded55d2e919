"""Browsers that are not asked for the second factor for 30 days; each can be taken back."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.credentials.devices import device_of
from accounts.models import TrustedBrowser, User

COOKIE: Final = "trusted"
TRUSTED_FOR: Final = timedelta(days=30)
# So many users of one browser, each with a token of their own.
MAX_ACCOUNTS: Final = 5


def is_trusted(request: HttpRequest, user: User) -> bool:
    """Whether the user has shown the second factor in this browser within 30 days and had it remembered."""
    hashes = [_hash(token) for token in _tokens(request)]
    return bool(hashes) and of(user).filter(token_hash__in=hashes).exists()


def trust(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Remember it, here and by a cookie in the answer."""
    token, device = secrets.token_urlsafe(32), device_of(request)
    TrustedBrowser.objects.create(
        user=user,
        token_hash=_hash(token),
        user_agent=device.user_agent,
        address=device.address,
        expires_at=timezone.now() + TRUSTED_FOR,
    )
    response.set_cookie(
        COOKIE,
        ".".join([token, *_tokens(request)][:MAX_ACCOUNTS]),
        max_age=TRUSTED_FOR,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def of(user: User) -> QuerySet[TrustedBrowser]:
    """The user's, while they are good; the newest first."""
    return TrustedBrowser.objects.filter(user=user, expires_at__gt=timezone.now()).order_by("-created_at", "-id")


def forget(user: User, pk: UUID | None = None) -> int:
    """Ask that browser again, or all of them; how many were forgotten."""
    rows = TrustedBrowser.objects.filter(user=user)
    if pk is not None:
        rows = rows.filter(pk=pk)
    deleted, _ = rows.delete()
    return deleted


def purge_old() -> int:
    """Delete those whose time is over."""
    deleted, _ = TrustedBrowser.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted


def _tokens(request: HttpRequest) -> list[str]:
    value = request.COOKIES.get(COOKIE, "")
    return [part for part in value.split(".")[:MAX_ACCOUNTS] if part]


def _hash(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
