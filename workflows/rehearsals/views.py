"""Settings → Rules → a rule → Rehearse: what it would have done, to whom, and to whom it had better not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import on_form
from customers.models import Customer
from workflows.models import Rehearsal, RehearsedEvent
from workflows.rehearsals import panel, queries, today
from workflows.rehearsals import services as rehearsals
from workflows.rehearsals.forms import SpanForm
from workflows.rehearsals.summary import NOT_MATCHED, OUTCOMES, shown_days, summary
from workflows.rules.dry_run import unsaved
from workflows.rules.planning import Reason
from workflows.rules.queries import workflows
from workflows.rules.words import REASONS, Words

SIZE: Final = 25
EARLIER: Final = 5


@requires("workflows.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def rehearse(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Choose the days; a POST begins."""
    rule = first_or_404(workflows().filter(pk=pk), _("There is no such rule."))
    form = SpanForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        since, until = form.span
        with on_form(request, form):
            rehearsal = rehearsals.start(
                workflow=rule, member=request.member, actor=current_actor(), since=since, until=until
            )
            return redirect("workflows:rehearsal", organization, rehearsal.pk)
    earlier = panel.of_rule(request.member, rule, EARLIER)["rehearsals"]
    context = {"form": form, "rule": rule, "earlier": earlier}
    return render(request, "workflows/rehearsals/start.html", context, status=422 if form.errors else 200)


@requires("workflows.view")
@require_safe
def rehearsal_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A rehearsal: how far it is, its figures, and the newest events one by one; `?show=` and `?after=`."""
    rehearsal = _rehearsal(request, pk)
    rule = unsaved(rehearsal.content, of=rehearsal.workflow)
    show = request.GET.get("show", "")
    rows = queries.rehearsed_events(request.member, rehearsal, show).order_by()
    page = page_after(rows, cursor=request.GET.get("after", ""), size=SIZE, order=("-occurred_at", "-id"))
    speak = Words()
    ids = {row.event.customer_id for row in page.rows if row.event.customer_id is not None}
    customers = Customer.objects.visible_to(request.member).in_bulk(list(ids))
    context = {
        "rule": rehearsal.workflow,
        "words": speak.of(rule),
        "rows": [_row(row, speak, speak.fields(rule.trigger_event), customers) for row in page.rows],
        "more": page.next_cursor,
        "show": show,
        "filters": _filters(rehearsal),
        "today": [today.LABELS[name] for name in rehearsal.judged_by_today if name in today.LABELS],
        **_figures(rehearsal, speak),
    }
    return render(request, "workflows/rehearsals/detail.html", context)


@requires("workflows.view")
@require_safe
def progress(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """How far it is; when it is done the page is loaded anew."""
    rehearsal = _rehearsal(request, pk)
    response = render(request, "workflows/rehearsals/progress.html", _figures(rehearsal, None))
    if rehearsals.state_of(rehearsal) not in ("queued", "running"):
        response["HX-Redirect"] = reverse("workflows:rehearsal", args=[organization, pk])
    return response


def _figures(rehearsal: Rehearsal, speak: Words | None) -> dict[str, object]:
    job = rehearsal.job
    state = rehearsals.state_of(rehearsal)
    return {
        "rehearsal": rehearsal,
        "state": state,
        "is_running": state in ("queued", "running"),
        "job": job,
        "percent": job.done * 100 // job.total if job is not None and job.total else 0,
        "figures": rehearsal.totals,
        "summary": summary(rehearsal.totals, speak) if speak is not None else None,
        "days": shown_days(rehearsal) if speak is not None else None,
    }


def _row(
    row: RehearsedEvent, speak: Words, fields: Mapping[str, Any], customers: Mapping[UUID, Customer]
) -> dict[str, object]:
    failed = [speak.seen(one, fields) for one in row.conditions] if row.reason == Reason.CONDITIONS else []
    return {
        "row": row,
        "customer": customers.get(row.event.customer_id) if row.event.customer_id is not None else None,
        "outcome": OUTCOMES[row.outcome],
        "why": REASONS.get(row.reason, row.reason),
        "failed": failed,
        "steps": [
            {**step, "at": rehearsals.moment_of(step), "label": speak.action({"action": step["action"]})}
            for step in row.steps
        ],
    }


def _filters(rehearsal: Rehearsal) -> list[tuple[str, str, int]]:
    """Each filter with its words and how many events it is of; those of none are left out."""
    figures = rehearsal.totals
    counts: list[tuple[str, str, int]] = [
        (name, str(OUTCOMES[name]), figures["outcomes"].get(name, 0)) for name in ("acted", "ended", "waiting")
    ]
    counts.append(("answered", _("Answered meanwhile"), figures["events_answered"]))
    counts += [(name, str(words), figures["reasons"].get(name, 0)) for name, words in NOT_MATCHED.items()]
    return [one for one in counts if one[2]]


def _rehearsal(request: Request, pk: UUID) -> Rehearsal:
    return first_or_404(queries.rehearsals(request.member).filter(pk=pk), _("There is no such rehearsal."))
