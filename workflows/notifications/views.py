"""The list behind the bell, and what the open pages ask to keep the bell true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from accounts.frame.menu import COUNTED_TO
from accounts.permissions import MEMBERSHIP
from core.htmx import render_page
from core.http import Request, redirect_to
from core.pagination import page_after
from workflows.notifications import preferences, queries, services
from workflows.notifications.kinds.registry import KINDS, Way, kinds_for

SIZE: Final = 30
# More at once are no news but a list: it is counted, and nobody is shown a row of notices.
MAX_NOTICES: Final = 3
MAX_DIGITS: Final = 14
LIST: Final = "workflows/notifications/rows.html"


@requires(MEMBERSHIP)
@never_cache
@require_safe
def notification_list(request: Request, organization: str) -> HttpResponse:
    """The unread lines, or all (`show=all`), of one type (`type`); `after` goes on."""
    context = _list_context(request)
    return render_page(request, "workflows/notifications/list.html", context, partials={"notifications": LIST})


@requires(MEMBERSHIP)
@never_cache
@require_safe
def open_notification(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Read the line and go where it leads. 404 where its member may not see that any more."""
    line = queries.find(request.member, pk)
    if line is None:
        raise Http404(_("There is no such notification, or you may not see what it was about any more."))
    # A browser that fetches ahead has shown nobody anything.
    if request.headers.get("Sec-Purpose", "").split(";")[0] != "prefetch":
        services.read(member=request.member, line=line)
    return redirect_to(queries.line_of(line, organization).url)


@requires(MEMBERSHIP)
@require_POST
def read_notification(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Read a line without going there."""
    line = queries.find(request.member, pk)
    if line is None:
        raise Http404(_("There is no such notification, or you may not see what it was about any more."))
    services.read(member=request.member, line=line)
    return _after_reading(request)


@requires(MEMBERSHIP)
@require_POST
def read_all(request: Request, organization: str) -> HttpResponse:
    """Read every line, or those of the type that the list shows."""
    kind = request.GET.get("type", "")
    services.read_all(member=request.member, kind=kind if kind in KINDS else "")
    return _after_reading(request)


@requires(MEMBERSHIP)
@never_cache
@require_safe
def bell(request: Request, organization: str) -> HttpResponse:
    """How many lines are unread, and of those raised since `since` (milliseconds of Unix time) what is to be shown or
    heard outside of the page, which quiet hours keep back."""
    member = request.member
    now = timezone.now()
    since = _moment(request.GET.get("since", ""))
    fresh = queries.raised_since(member, since, MAX_NOTICES) if since is not None else []
    notices = []
    if fresh:
        chosen = preferences.of(member)
        if preferences.quiet_until(member, chosen, now) is None:
            for row in fresh:
                ways = chosen.ways(KINDS[row.kind])
                if ways & {Way.BROWSER, Way.SOUND}:
                    line = queries.line_of(row, organization)
                    notices.append({"line": line, "is_shown": Way.BROWSER in ways, "is_heard": Way.SOUND in ways})
    newest = fresh[0].raised_at if fresh else since or now
    context = {
        "count": queries.unread(member).values("pk")[:COUNTED_TO].count(),
        "since": int(newest.timestamp() * 1000),
        "notices": notices,
    }
    return render(request, "workflows/notifications/bell.html", context)


def _list_context(request: Request) -> dict[str, object]:
    member, slug = request.member, request.organization.slug
    kinds = kinds_for(member)
    kind = request.GET.get("type", "")
    kind = kind if kind in {one.name for one in kinds} else ""
    shows_all = request.GET.get("show") == "all"
    rows = queries.filtered(member, kind=kind, is_unread=None if shows_all else True).order_by()
    page = page_after(rows, cursor=request.GET.get("after", ""), size=SIZE, order=("-raised_at", "-id"))
    query = urlencode({name: value for name, value in (("show", "all" if shows_all else ""), ("type", kind)) if value})
    return {
        "lines": queries.lines_of(page.rows, slug),
        "more": page.next_cursor,
        "is_first": not request.GET.get("after"),
        "has_unread": any(row.read_at is None for row in page.rows),
        "kinds": kinds,
        "kind": KINDS.get(kind),
        "shows_all": shows_all,
        "query": query,
    }


def _after_reading(request: Request) -> HttpResponse:
    """The list anew for HTMX; else back to it."""
    if request.htmx:
        return render(request, LIST, _list_context(request))
    query = request.GET.urlencode()
    url = reverse("workflows:notifications", args=[request.organization.slug])
    return redirect(f"{url}?{query}" if query else url)


def _moment(milliseconds: str) -> datetime | None:
    """The time that the page named; None for none."""
    if not (milliseconds.isascii() and milliseconds.isdecimal()) or len(milliseconds) > MAX_DIGITS:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
