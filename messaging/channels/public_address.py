"""The address by which providers reach Parley. Its setting bears the name of the first provider that needed it."""

from __future__ import annotations

from django.conf import settings


def webhook_base() -> str:
    """Without a slash at the end; empty where no provider can reach us."""
    return str(settings.TWILIO_WEBHOOK_BASE_URL or "").rstrip("/")


def webhook_url(path: str) -> str:
    """The URL that a provider called, from a path with its query: the settings know the public side of a proxy."""
    return f"{webhook_base()}/{path.lstrip('/')}"


def base() -> str:
    """As `webhook_base`, else the address that people use."""
    return webhook_base() or str(settings.PUBLIC_BASE_URL).rstrip("/")
