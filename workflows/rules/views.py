"""Settings → Rules: what happens by itself, tried on the last days, switched on and off, with its log."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import as_message
from customers.models import Customer
from workflows.models import Workflow, WorkflowRun
from workflows.rehearsals import panel as rehearsals
from workflows.rules import queries, versions, waits, words
from workflows.rules import services as workflows
from workflows.rules.dry_run import dry_run
from workflows.rules.planning import Reason

RUNS = 25
VERSIONS = 3


@requires("workflows.view")
@require_safe
def rule_list(request: Request, organization: str) -> HttpResponse:
    """The rules in the order in which they run, each in words."""
    speak = words.Words()
    rows = [{"rule": rule, "words": speak.of(rule)} for rule in queries.workflows()]
    return render(request, "workflows/rules/list.html", {"rows": rows, **_context(request)})


@requires("workflows.view")
@require_safe
def rule_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A rule in words, and what it did; `?after=` goes on in the log."""
    rule = _rule(pk)
    runs = queries.visible_runs(request.member).filter(workflow=rule).order_by()
    page = page_after(runs, cursor=request.GET.get("after", ""), size=RUNS)
    names = _names(request, [run.event.customer_id for run in page.rows])
    speak = words.Words()
    context = {
        "rule": rule,
        "words": speak.of(rule),
        "versions": versions.newest(rule, speak, count=VERSIONS),
        "runs": [{"run": run, "customer": names.get(run.event.customer_id)} for run in page.rows],
        "more": page.next_cursor,
        **rehearsals.of_rule(request.member, rule),
        **_context(request),
    }
    return render(request, "workflows/rules/detail.html", context)


@requires("workflows.edit")
@require_safe
def try_rule(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What the rule would have done in the last 30 days; nothing is changed."""
    rule = _rule(pk)
    result = dry_run(workflow=rule, member=request.member)
    speak = words.Words()
    fields = speak.fields(rule.trigger_event)
    names = _names(request, [trial["customer"] for trial in result.trials])
    rows = [
        {
            "trial": trial,
            "customer": names.get(trial["customer"]),
            "why": words.REASONS[trial["reason"]],
            # Only where it was the conditions: of several one may not hold, and the rule be held up by something else.
            "failed": [speak.seen(row, fields) for row in trial["conditions"] if not row["holds"]]
            if trial["reason"] == Reason.CONDITIONS
            else [],
        }
        for trial in result.trials
    ]
    matches = sum(trial["matches"] for trial in result.trials)
    context = {"rule": rule, "words": speak.of(rule), "result": result, "rows": rows, "matches": matches}
    return render(request, "workflows/rules/trial.html", context | _context(request))


@requires("workflows.edit")
@require_POST
def switch(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """On or off, as `to` says."""
    rule, is_on = _rule(pk), request.POST.get("to") == "on"
    with as_message(request):
        workflows.update(workflow=rule, actor=current_actor(), changes={"is_enabled": is_on})
        text = _("“%(name)s” is on.") if is_on else _("“%(name)s” is off.")
        toasts.success(request, text % {"name": rule.name})
    return redirect("workflows:rule", organization, pk)


@requires("workflows.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_rule(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    rule = _rule(pk)
    if request.method != "POST":
        return render(request, "workflows/rules/delete.html", {"rule": rule})
    with as_message(request):
        workflows.delete(workflow=rule, actor=current_actor())
        toasts.success(request, _("“%(name)s” is gone.") % {"name": rule.name})
    return redirect("workflows:rules", organization)


@requires("workflows.view")
@require_safe
def run_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A run: what its conditions saw, and what each action did."""
    run = _run(request, pk)
    names = _names(request, [run.event.customer_id])
    speak = words.Words()
    fields = speak.fields(run.workflow.trigger_event)
    context = {
        "run": run,
        "rule": run.workflow,
        "customer": names.get(run.event.customer_id),
        "conditions": [speak.seen(row, fields) for row in run.conditions],
        "steps": [{**step, "label": speak.action({"action": step["action"]})} for step in run.steps],
        **_context(request),
    }
    return render(request, "workflows/rules/run.html", context)


@requires("workflows.edit")
@require_POST
def retry(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Do a failed run again."""
    run = _run(request, pk)
    with as_message(request):
        done = workflows.retry(run=run, actor=current_actor())
        if done.status == WorkflowRun.Status.DONE:
            toasts.success(request, _("Done."))
        else:
            toasts.error(request, _("It failed again. The log says why."))
    return redirect("workflows:run", organization, pk)


@requires("workflows.edit")
@require_POST
def continue_run(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Have a run that waits, or asks a person, go on now."""
    with as_message(request):
        waits.go_on(run=_run(request, pk), actor=current_actor())
        toasts.success(request, _("It goes on in a moment."))
    return redirect("workflows:run", organization, pk)


@requires("workflows.edit")
@require_POST
def cancel_run(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """End a run that waits."""
    with as_message(request):
        waits.cancel(run=_run(request, pk), actor=current_actor())
        toasts.success(request, _("It goes on no more."))
    return redirect("workflows:run", organization, pk)


def _rule(pk: UUID) -> Workflow:
    return first_or_404(queries.workflows().filter(pk=pk), _("There is no such rule."))


def _run(request: Request, pk: UUID) -> WorkflowRun:
    return first_or_404(queries.visible_runs(request.member).filter(pk=pk), _("There is no such run."))


def _names(request: Request, ids: list[UUID | None]) -> dict[UUID | None, Customer]:
    """The customers within reach, by id: who is not there is named to nobody."""
    rows = Customer.objects.visible_to(request.member).filter(pk__in={pk for pk in ids if pk is not None})
    return {row.pk: row for row in rows}


def _context(request: Request) -> dict[str, object]:
    may = request.member.may
    return {
        "can_create": may("workflows.create"),
        "can_change": may("workflows.edit"),
        "can_delete": may("workflows.delete"),
    }
