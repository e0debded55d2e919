"""Settings → Rules → New rule, and Edit: a rule written as a sentence, tried on the last events while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.lookups import first_or_404
from core.refused import Refused
from core.refused_pages import Attempt, words_of
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer
from workflows.models import Workflow
from workflows.rules import dry_run, queries, reading
from workflows.rules import services as workflows
from workflows.rules.conditions import InvalidConditions
from workflows.rules.editor import condition_rows, operations, starting_points
from workflows.rules.editor.controls import Rows
from workflows.rules.editor.forms import RuleForm
from workflows.rules.planning import Reason
from workflows.rules.words import REASONS

EVENTS_SHOWN: Final = 5
PARTIALS: Final = {
    "rule-if": "workflows/rules/editor/conditions.html",
    "rule-then": "workflows/rules/editor/actions.html",
}


@requires("workflows.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_rule(request: Request, organization: str) -> HttpResponse:
    """A rule of one's own, from nothing or from a starting point (`?from=`); it lands switched off."""
    point = starting_points.find(request.organization, request.GET.get("from", ""))
    form = _form(request, start=point.content if point is not None else None)
    if _is_saved(request, form):
        with Attempt(request, lambda refused: _take(request, form, refused)):
            values: workflows.Values = {**form.changes(), "is_enabled": False}
            rule = workflows.create(organization=request.organization, actor=current_actor(), values=values)
            toasts.success(request, _("Saved. Try it on the last 30 days, then switch it on."))
            return redirect("workflows:rule", organization, rule.pk)
    context = {"points": [] if form.is_bound else starting_points.offered(request.organization), "point": point}
    return _page(request, form, None, context)


@requires("workflows.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_rule(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The content of a rule; what is saved is a new version of it."""
    rule = first_or_404(queries.workflows().filter(pk=pk), _("There is no such rule."))
    lock_rows(request, rule)
    form = _form(request, rule)
    if _is_saved(request, form):
        with Attempt(request, lambda refused: _take(request, form, refused)):
            if changes := form.changes():
                waiting = workflows.WaitingRuns(form.cleaned_data.get("waiting") or workflows.WaitingRuns.FINISH)
                workflows.update(workflow=rule, actor=current_actor(), changes=changes, waiting=waiting)
            toasts.success(request, _("Saved."))
            return redirect("workflows:rule", organization, rule.pk)
    return _page(request, form, rule, {})


@requires("workflows.create")
@require_POST
def try_new(request: Request, organization: str) -> HttpResponse:
    """What a rule that is being written would have done about the last events; nothing is saved."""
    form = RuleForm(request.POST, is_checked=False)
    return render(request, "workflows/rules/editor/live.html", _live(request, form, None))


@requires("workflows.edit")
@require_POST
def try_edit(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The same of a rule that is being changed."""
    rule = first_or_404(queries.workflows().filter(pk=pk), _("There is no such rule."))
    form = RuleForm(request.POST, record=rule, is_checked=False)
    return render(request, "workflows/rules/editor/live.html", _live(request, form, rule))


def _form(request: Request, record: Workflow | None = None, start: dict[str, object] | None = None) -> RuleForm:
    data = request.POST if request.method == "POST" else None
    return RuleForm(data, record=record, start=start, is_checked="do" not in request.GET)


def _is_saved(request: Request, form: RuleForm) -> bool:
    return request.method == "POST" and form.is_checked and form.is_valid()


def _take(request: Request, form: RuleForm, refused: Refused) -> None:
    form.take(refused, words_of(request, refused))


def _page(request: Request, form: RuleForm, rule: Workflow | None, context: Mapping[str, object]) -> HttpResponse:
    focus = operations.apply(form.draft, request.GET.get("do", "")) if form.is_bound and not form.is_checked else ""
    shown = {"form": form, "rule": rule, "rows": Rows(form, focus), "focus": focus, "here": request.path, **context}
    is_part = request.htmx and request.htmx.target in PARTIALS
    response = render_page(
        request,
        "workflows/rules/editor/page.html",
        shown if is_part else shown | _live(request, form, rule),
        partials=PARTIALS,
    )
    response.status_code = 422 if form.errors else 200
    return response


def _live(request: Request, form: RuleForm, rule: Workflow | None) -> dict[str, object]:
    """The rule in words, and the last events of its trigger with whether it would act, and why not."""
    content = form.content()
    words = form.in_words(content)
    asked = operations.without_empty(form.draft.conditions)
    content |= {"conditions": condition_rows.content(asked, form.asked_fields), "actions": []}
    try:
        reading.check_conditions(content["conditions"], form.asked_fields)
    except (InvalidConditions, reading.InvalidWorkflow) as error:
        return {"words": words, "trouble": str(error)}
    draft = dry_run.unsaved(content, of=rule)
    result = dry_run.dry_run(workflow=draft, member=request.member, most=EVENTS_SHOWN, since=dry_run.oldest())
    ids = {trial["customer"] for trial in result.trials if trial["customer"] is not None}
    customers = Customer.objects.visible_to(request.member).in_bulk(list(ids))
    rows = [
        {
            "trial": trial,
            "customer": customers.get(trial["customer"]) if trial["customer"] is not None else None,
            "why": REASONS[trial["reason"]],
            "failed": [form.words.seen(seen, form.asked_fields) for seen in trial["conditions"] if not seen["holds"]]
            if trial["reason"] == Reason.CONDITIONS
            else [],
        }
        for trial in result.trials
    ]
    return {"words": words, "trials": rows, "matches": sum(trial["matches"] for trial in result.trials)}
