"""Requests as the views of an organization see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    # What settings.TENANT_MODEL names, and who belongs to it; for the checker only.
    from django_htmx.middleware import HtmxDetails

    from accounts.models import Member, Organization


class Request(HttpRequest):
    """A request after the middleware: HTMX details, and the member inside an organization's pages."""

    htmx: HtmxDetails
    organization: Organization
    member: Member
    memberships: Sequence[Member]
    badges: dict[str, int]
    request_id: str
    # When it came, in milliseconds of Unix time: nothing that the page shows was read earlier.
    received_at: int


def listed(request: HttpRequest, name: str) -> list[str]:
    """The values of a parameter, repeated or separated by commas: in the body, as lists that are too long for an
    address do, or else in the address."""
    values = request.POST.getlist(name) or request.GET.getlist(name)
    return [one for value in values for one in value.split(",")]


def local_path(target: str | None, *, below: str = "/") -> str:
    """The target if it is an address of ours, written as a path from the root, `below` this one; else an empty text.

    What stands in `next` comes from a link, and a link may be anybody's: it leads to no other host, by no other scheme,
    and is no name of a view.
    """
    target = target or ""
    is_own = target.startswith(below) and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_own and target.isprintable() else ""


def redirect_to(path: str) -> HttpResponseRedirect:
    """To a path, and never to a view by its name, as Django's `redirect` understands a word without a slash."""
    return HttpResponseRedirect(path)


def client_address(request: HttpRequest) -> str:
    """The caller's address, as far as the proxies in front of us are ours (TRUSTED_PROXY_COUNT)."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    count = settings.TRUSTED_PROXY_COUNT
    if count and len(forwarded) >= count:
        return forwarded[-count]
    return str(request.META.get("REMOTE_ADDR") or "")
