"""Requests as the views of an organization see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request after the middleware: HTMX details, and the member inside an organization's pages."""

    htmx: HtmxDetails
    organization: Any
    member: Any
    memberships: Any
    badges: dict[str, int]
    request_id: str


def client_address(request: HttpRequest) -> str:
    """The caller's address, as far as the proxies in front of us are ours (TRUSTED_PROXY_COUNT)."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    count: int = settings.TRUSTED_PROXY_COUNT
    if count and len(forwarded) >= count:
        return forwarded[-count]
    return str(request.META.get("REMOTE_ADDR") or "")
