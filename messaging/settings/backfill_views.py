"""The page of backfills: requesting one, its results, and deliveries that were set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.pages import requires
from accounts.permissions import Reach
from activity.actor import current_actor
from core.htmx import render_page, toast
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import on_form
from messaging.intake import backfill, processing
from messaging.models import Channel, Message, Reconciliation
from messaging.settings.access import EDIT, find_channel, set_aside
from messaging.settings.forms import CatchUpForm

ASKINGS = 10
ROWS = 50
ARRIVALS = 50
KINDS = {
    "inbound": ("Message from a customer", "arrow-down-left"),
    "status": ("What became of a message of ours", "check-check"),
    "elsewhere": ("Sent from this number, but not by Parley", "arrow-up-right"),
}


@requires("channels.view")
@require_http_methods(["GET", "HEAD", "POST"])
def catch_up(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The backfills of a channel with their results; a POST requests one."""
    channel = find_channel(pk)
    form = CatchUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not request.member.may(EDIT):
            raise PermissionDenied(f"Your role does not permit this ({EDIT}).")
        if form.is_valid() and _request(request, channel, form):
            if not request.htmx:
                return redirect("messaging:catch_up", organization, pk)
            form = CatchUpForm()
    partials = {"catch-up": "messaging/settings/catch_up_main.html"}
    if request.method != "POST":
        partials["catch-up-results"] = "messaging/settings/askings.html"
    answer = render_page(
        request, "messaging/settings/catch_up.html", _context(request, channel, form), partials=partials
    )
    answer.status_code = 422 if form.errors else 200
    return answer


@requires(EDIT)
@require_POST
def process_again(request: Request, organization: str, pk: UUID, arrival_id: UUID) -> HttpResponse:
    """Work once more on something that was set aside."""
    channel = find_channel(pk)
    arrival = first_or_404(set_aside(channel).filter(pk=arrival_id), "This was processed meanwhile.")
    is_tried = processing.replay(arrival)
    text = "It is being processed again." if is_tried else "It was processed meanwhile, or its channel is gone."
    if request.htmx:
        answer = render(request, "messaging/settings/set_aside.html", _set_aside(request, channel))
        return toast(answer, text, level="success" if is_tried else "error")
    (toasts.success if is_tried else toasts.error)(request, text)
    return redirect("messaging:catch_up", organization, pk)


def _request(request: Request, channel: Channel, form: CatchUpForm) -> bool:
    values = form.cleaned_data
    with on_form(request, form):
        backfill.request_backfill(
            channel=channel,
            actor=current_actor(),
            since=values["since"],
            until=values["until"],
            asked_by=request.member.user,
        )
        return True
    return False


def _context(request: Request, channel: Channel, form: CatchUpForm) -> dict[str, object]:
    askings = list(
        Reconciliation.objects.filter(channel=channel)
        .select_related("asked_by")
        .order_by("-created_at", "-id")[:ASKINGS]
    )
    return {
        "channel": channel,
        "form": form,
        "can_ask": backfill.can_backfill(channel),
        "askings": _with_rows(request, channel, askings),
        "is_waiting": any(one.state == Reconciliation.State.WAITING for one in askings),
        **_set_aside(request, channel),
    }


def _set_aside(request: Request, channel: Channel) -> dict[str, object]:
    """Deliveries that were set aside; reasons may have addresses, so only who may change the channel sees them."""
    can_edit = request.member.may(EDIT)
    rows = list(set_aside(channel).defer("body").order_by("-received_at")[: ARRIVALS + 1]) if can_edit else []
    return {"channel": channel, "can_edit": can_edit, "arrivals": rows[:ARRIVALS], "has_more": len(rows) > ARRIVALS}


def _with_rows(request: Request, channel: Channel, askings: Sequence[Reconciliation]) -> list[dict[str, object]]:
    """Each backfill with its results within the member's reach; one query for all."""
    ids = {entry["id"] for run in askings for entry in run.found[:ROWS]}
    known = {}
    if ids:
        seen = Message.objects.visible_to(request.member).filter(channel=channel, provider_message_id__in=ids)
        known = {message.provider_message_id: message for message in seen.select_related("customer").defer("body")}
    sees_all = request.member.reach == Reach.ALL
    results = []
    for run in askings:
        rows = [_row(entry, known.get(entry["id"])) for entry in run.found[:ROWS]]
        visible = rows if sees_all else [row for row in rows if row["message"] is not None]
        total = run.inbound_found + run.statuses_found + run.elsewhere_found
        results.append({"asking": run, "rows": visible, "total": total, "more": total - len(visible)})
    newest = next((one for one in results if one["rows"]), None)
    for one in results:
        one["is_open"] = one is newest
    return results


def _row(entry: dict[str, Any], message: Message | None) -> dict[str, object]:
    label, icon = KINDS[entry["kind"]]
    return {
        "label": label,
        "icon": icon,
        "other": entry["other"],
        "at": datetime.fromisoformat(entry["at"]),
        "status": entry["status"],
        "message": message,
    }
