"""The private calendar address: the page that makes it, and what a calendar reads there."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib import messages as toasts
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.models import Member
from activity.actor import current_actor
from core.compression import shows_secret
from core.http import Request
from core.tenancy import every_organization, organization_scope
from customers.models import CalendarFeed
from customers.work.calendar import feeds as calendar_feeds
from customers.work.calendar import icalendar

CACHE_SECONDS = 300


@requires("tasks.view")
@shows_secret
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def feed_page(request: Request, organization: str) -> HttpResponse:
    """What the address is good for; a POST makes one, or another in its place, and shows it this once."""
    context = {"address": "", "feed": CalendarFeed.objects.filter(member=request.member).first()}
    if request.method == "POST":
        token = calendar_feeds.issue(member=request.member, actor=current_actor())
        path = reverse("calendar", args=[token])
        context["address"] = settings.PUBLIC_BASE_URL.rstrip("/") + path
        context["feed"] = CalendarFeed.objects.filter(member=request.member).first()
    return render(request, "customers/work/calendar/feed.html", context)


@requires("tasks.view")
@require_POST
def revoke(request: Request, organization: str) -> HttpResponse:
    """The address stops working at once."""
    if calendar_feeds.revoke(member=request.member, actor=current_actor()):
        toasts.success(request, "The calendar address no longer works.")
    return redirect("customers:calendar_feed", organization)


@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The member’s tasks and follow-ups; the token is the permission. 404 for one that is nobody’s."""
    feed = _feed(token)
    member = feed.member
    with organization_scope(member.organization), timezone.override(member.organization.zone):
        content = icalendar.of_member(member)
        calendar_feeds.note_read(feed)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if tag in request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = 'inline; filename="parley.ics"'
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = f"private, max-age={CACHE_SECONDS}"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _feed(token: str) -> CalendarFeed:
    with every_organization("a calendar asks, and its token says whose it is"):
        rows = CalendarFeed.objects.select_related("member__organization", "member__role", "member__user")
        row = rows.filter(token_hash=calendar_feeds.hash_of(token)).first()
        # Read from the member's row: access ends at once when it is taken away.
        is_open = row is not None and Member.objects.active().filter(pk=row.member_id).exists()
    if row is None or not is_open or not row.member.may("tasks.view"):
        raise Http404("There is no calendar here.")
    return row
