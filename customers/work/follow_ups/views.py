"""The page of follow-ups, and the buttons that snooze or complete one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts.access.pages import requires
from accounts.permissions import Reach
from activity.actor import current_actor
from core import inline
from core.counting import capped_counts
from core.htmx import render_page, toast
from core.http import Request, local_path
from core.list_query import ListQuery
from core.pagination import page_after
from core.refused_pages import as_message
from core.row_locks import lock_rows, writes_at_once
from customers import days
from customers.models import Customer
from customers.people.access import find_visible
from customers.people.customers import services as customers
from customers.people.customers.conflicts import FOLLOW_UP, value_of
from customers.people.owners import possible_owners
from customers.work.follow_ups import queries as follow_up_queries
from customers.work.follow_ups import services as follow_ups
from customers.work.tasks import queries as task_queries

ROWS = 40
COUNTED_TO = 100
PARTIALS = {
    "follow-ups": "customers/work/follow_ups/main.html",
    "more-follow-ups": "customers/work/follow_ups/groups.html",
}
# What a part of a page that shows the follow-up is called in `in`, with its template.
PLACES = {
    "page": "customers/work/follow_ups/follow_up.html",
    "list": "customers/work/follow_ups/row.html",
}


@requires("customers.view")
@require_safe
def follow_up_list(request: Request, organization: str) -> HttpResponse:
    """Overdue first, then today, then the days to come; with `date` that day alone."""
    return render_page(request, "customers/work/follow_ups/list.html", _context(request), partials=PARTIALS)


@requires("customers.edit")
@require_POST
@writes_at_once
def change(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Put off (`to`: a choice, or `day`), done (`done`), or taken back (`at`: the moment that it was)."""
    customer = find_visible(request, pk)
    lock_rows(request, customer)
    before = customer.next_follow_up_at
    if _is_outdated(request, customer):
        return _outdated(request, customer)
    if not request.htmx:
        with as_message(request):
            toasts.success(request, _change(request, customer))
        return redirect(_back(request, customer))
    message = _change(request, customer)
    place = _place(request)
    fresh = find_visible(request, pk)
    context = {"customer": fresh, "can_edit_customer": True, "was_changed": place == "list"}
    response = render(request, PLACES[place], context)
    trigger_client_event(response, "customer-changed", {"what": "follow_up"})
    if "at" in request.GET:
        return toast(response, message)
    query = urlencode({"in": place, "at": before.isoformat() if before else ""})
    undo = f"{reverse('customers:follow_up', args=[organization, pk])}?{query}"
    target = f"#follow-up-{pk}" if place == "list" else f"#next-follow-up-{pk}"
    return toast(response, message, undo=undo, target=target)


def _is_outdated(request: Request, customer: Customer) -> bool:
    """Whether somebody else has set it since the form was shown. What two of them did is done."""
    now = value_of(customer, FOLLOW_UP)
    if request.POST.get("done") and not now:
        return False
    return inline.is_outdated(customer, FOLLOW_UP, now, request.POST.get(inline.SNAPSHOT))


def _outdated(request: Request, customer: Customer) -> HttpResponse:
    """Nothing was saved: the form with the follow-up as it is by now, to choose again."""
    reason = _("Somebody changed this follow-up meanwhile. Yours was not saved: look at the new one, and choose again.")
    if not request.htmx:
        toasts.error(request, reason)
        return redirect(_back(request, customer))
    context = {"customer": find_visible(request, customer.pk), "can_edit_customer": True}
    return toast(render(request, PLACES[_place(request)], context, status=422), reason, level="error")


def _place(request: Request) -> str:
    place = request.GET.get("in", "")
    return place if place in PLACES else "page"


def _change(request: Request, customer: Customer) -> str:
    """Change the follow-up; returns the text of the notice. Raises InvalidDay."""
    actor = current_actor()
    if "at" in request.GET:
        at = _moment(request.GET["at"])
        customers.set_follow_up(customer=customer, at=at, actor=actor)
        return "Taken back."
    if request.POST.get("done"):
        follow_ups.complete(customer=customer, actor=actor)
        return "Follow-up done."
    to: str | date = request.POST.get("to", "")
    if not to:
        try:
            to = date.fromisoformat(request.POST.get("day", ""))
        except ValueError as error:
            raise follow_ups.InvalidDay("Choose a day.") from error
    follow_ups.snooze(customer=customer, actor=actor, to=to)
    return f"Follow-up {_day(customer.next_follow_up_at)}."


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        result = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        result = None
    if result is None or result.tzinfo is None or not 2000 <= result.year <= 9990:
        raise follow_ups.InvalidDay("This moment can’t be read.")
    return result


def _day(at: datetime | None) -> str:
    if at is None:
        return "set"
    day, today = timezone.localtime(at).date(), timezone.localdate()
    return days.nearby(day, today) or f"on {days.in_words(day, day)}"


# --- The list ---------------------------------------------------------------------------------------------------------


def _context(request: Request) -> dict[str, Any]:
    member, zone = request.member, request.organization.zone
    today = days.today(zone)
    owner = task_queries.read_owner(member, request.GET.get("who", ""))
    day = _requested_day(request)
    rows = follow_up_queries.on_day(member, day, owner) if day else follow_up_queries.planned(member, owner)
    page = page_after(
        rows.select_related("stage", "assigned_to"), cursor=request.GET.get("after", ""), size=ROWS,
        order=("next_follow_up_at", "id"), is_filled=True,
    )  # fmt: skip
    groups = follow_up_queries.grouped(list(page.rows), member)
    more = ""
    if page.next_cursor:
        more = _query(day, owner, after=page.next_cursor, group=groups[-1].key if groups else "")
    context = {
        "groups": groups,
        "more": more,
        "group_before": request.GET.get("group", "") if request.GET.get("after") else "",
        "day": day,
        "owner": owner,
        "can_edit_customer": member.may("customers.edit"),
        "choices": follow_ups.CHOICES,
    }
    if request.htmx.target == "more-follow-ups":
        return context
    counted = capped_counts(
        {
            "overdue": follow_up_queries.planned(member, owner).filter(
                next_follow_up_at__lt=days.start_of(today, zone)
            ),
            "today": follow_up_queries.on_day(member, today, owner),
        },
        cap=COUNTED_TO,
    )
    if owner == task_queries.MINE:
        request.badges = {"follow_ups": min(COUNTED_TO, counted["overdue"] + counted["today"])}
    people = [(str(user.pk), user.get_full_name()) for user in possible_owners() if user.pk != member.user_id]
    owner_choices = [(task_queries.MINE, "My customers")]
    if member.reach != Reach.ASSIGNED:
        owner_choices += [(task_queries.EVERYBODY, "Everybody’s"), (task_queries.NOBODY, "Nobody’s yet"), *people]
    day_displayed = day or today
    return context | {
        "today": today,
        "shown_day": day_displayed,
        "day_label": days.heading(day, today) if day else "",
        "counted": counted,
        "owner_choices": owner_choices,
        "refusal": task_queries.refusal_of(owner),
        "all_url": _query(None, owner),
        "before": _query(day_displayed - timedelta(days=1), owner),
        "after": _query(day_displayed + timedelta(days=1), owner),
    }


def _requested_day(request: Request) -> date | None:
    """The day in the address. Raises Http404 for one that is none."""
    text = request.GET.get("date", "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year <= 9990:
            raise ValueError("no day of anybody’s")
    except ValueError as error:
        raise Http404("There is no such day.") from error
    return day


def _query(day: date | None, owner: str, **more: str) -> str:
    values = {"date": day.isoformat() if day else "", "who": owner, **more}
    return ListQuery(values, {"who": task_queries.MINE}).address()


def _back(request: Request, customer: Customer) -> str:
    slug = request.organization.slug
    target = local_path(request.POST.get("next"), below=f"/o/{slug}/")
    return target or reverse("customers:detail", args=[slug, customer.pk])
