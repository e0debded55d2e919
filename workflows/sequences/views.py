"""Settings → Rules → Sequences: what they do, who is where in them, and putting in and taking out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import Actor, current_actor
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import as_message
from customers.models import Customer, Process, Segment
from customers.work.processes import services as processes
from workflows.models import Workflow, WorkflowRun
from workflows.rules import services as workflows
from workflows.rules import waits
from workflows.rules.words import CAUSES, Words, length_in_words
from workflows.sequences import bulk, queries
from workflows.sequences import services as sequences
from workflows.sequences.steps import step_at, to_steps

ROWS: Final = 25


@requires("workflows.view")
@require_safe
def sequence_list(request: Request, organization: str) -> HttpResponse:
    """The sequences by name, with how many are in each."""
    speak = Words()
    rows = [{"sequence": row, "steps": _steps(row, speak)} for row in queries.sequences()]
    return render(request, "workflows/sequences/list.html", {"rows": rows, **_context(request)})


@requires("workflows.view")
@require_safe
def sequence_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The steps, how many wait for each, and who is or was in it; `?after=` goes on in that list."""
    sequence = _sequence(pk)
    runs = queries.visible_runs(request.member, sequence).order_by()
    page = page_after(runs, cursor=request.GET.get("after", ""), size=ROWS)
    steps = _steps(sequence, Words())
    waiting = runs.filter(status__in=WorkflowRun.OPEN, version=sequence.version, wait__isnull=False)
    # Inside of a step that chooses there may be several waits.
    counts = Counter[int]()
    for path, count in waiting.values_list("wait__path").annotate(count=Count("pk")):
        counts[step_at(path)] += count
    for number, step in enumerate(steps):
        step["count"] = counts[number]
    context = {
        "sequence": sequence,
        "steps": steps,
        "stops": _stops(sequence),
        "rows": [
            {"run": run, "customer": run.process.customer, "step": _step_of(run), "is_open": _is_open(run)}
            for run in page.rows
            if run.process is not None
        ],
        "more": page.next_cursor,
        "segments": Segment.objects.visible_to(request.member),
        **_context(request),
    }
    return render(request, "workflows/sequences/detail.html", context)


@requires("workflows.edit")
@require_POST
def switch(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """On or off, as `to` says; off, those inside rest."""
    sequence, is_on = _sequence(pk), request.POST.get("to") == "on"
    with as_message(request):
        workflows.update(workflow=sequence, actor=current_actor(), changes={"is_enabled": is_on})
        text = _("“%(name)s” is on.") if is_on else _("“%(name)s” is off: those inside rest.")
        toasts.success(request, text % {"name": sequence.name})
    return redirect("workflows:sequence", organization, pk)


@requires("workflows.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_sequence(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes, and takes out those inside."""
    sequence = _sequence(pk)
    if request.method != "POST":
        return render(request, "workflows/sequences/delete.html", {"sequence": sequence})
    with as_message(request):
        sequences.delete(sequence=sequence, actor=current_actor())
        toasts.success(request, _("“%(name)s” is gone.") % {"name": sequence.name})
    return redirect("workflows:sequences", organization)


@requires("conversations.edit")
@require_POST
def enrol_view(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Put everybody of a view of the list in, as a job."""
    sequence = _sequence(pk)
    segments = Segment.objects.visible_to(request.member)
    key = parse_uuid(request.POST.get("segment", ""))
    segment = segments.filter(pk=key).first() if key is not None else None
    if segment is None:
        toasts.error(request, _("Choose a view of the customers’ list."))
        return redirect("workflows:sequence", organization, pk)
    with as_message(request):
        job = bulk.start(sequence=sequence, segment=segment, member=request.member, actor=current_actor())
        return redirect("organization:job", organization, job.pk)
    return redirect("workflows:sequence", organization, pk)


@requires("conversations.edit")
@require_POST
def enrol_customer(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Put a customer into the sequence that `sequence` names."""
    customer = first_or_404(
        Customer.objects.visible_to(request.member).select_related("organization").filter(pk=pk),
        _("There is no such customer."),
    )
    key = parse_uuid(request.POST.get("sequence", ""))
    sequence = queries.sequences().select_related("organization").filter(pk=key).first() if key else None
    if sequence is None:
        toasts.error(request, _("Choose a sequence."))
    else:
        with as_message(request):
            sequences.enrol(sequence=sequence, customer=customer, actor=current_actor())
            toasts.success(request, _("Put into “%(name)s”.") % {"name": sequence.name})
    return redirect("customers:detail", organization, pk)


@requires("conversations.edit")
@require_POST
def change_run(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What `do` says with a customer's way: pause, resume, skip, go_on or end; then back to where one was."""
    runs = WorkflowRun.objects.filter(process__customer__in=Customer.objects.visible_to(request.member))
    rows = runs.select_related("workflow__organization", "process__customer", "process__organization", "event")
    run = first_or_404(rows.filter(pk=pk), _("There is no such customer in the sequence."))
    change = CHANGES.get(request.POST.get("do", ""))
    if change is None:
        toasts.error(request, _("Choose what to do."))
    else:
        with as_message(request):
            change(run, current_actor())
    return redirect("workflows:sequence", organization, run.workflow_id)


def _pause(run: WorkflowRun, actor: Actor) -> None:
    processes.pause(process=_process(run), actor=actor)


def _resume(run: WorkflowRun, actor: Actor) -> None:
    processes.resume(process=_process(run), actor=actor)


def _end(run: WorkflowRun, actor: Actor) -> None:
    process = _process(run)
    if process.is_open:
        processes.cancel(process=process, actor=actor)
    else:
        # A merge ended it, and it rests.
        waits.cancel(run=run, actor=actor)


def _process(run: WorkflowRun) -> Process:
    if run.process is None:
        raise waits.NotWaiting
    return run.process


CHANGES: Final[dict[str, Callable[[WorkflowRun, Actor], object]]] = {
    "pause": _pause,
    "resume": _resume,
    "end": _end,
    "skip": lambda run, actor: sequences.skip(run=run, actor=actor),
    "go_on": lambda run, actor: waits.go_on(run=run, actor=actor),
}


def _steps(sequence: Workflow, speak: Words) -> list[dict[str, object]]:
    """Each step in words: after how long, and what is done."""
    return [
        {
            "after": length_in_words(step["delay_minutes"]) if step["delay_minutes"] else "",
            "text": speak.action(step["action"]),
            "count": 0,
        }
        for step in to_steps(sequence.actions)
    ]


def _stops(sequence: Workflow) -> list[str]:
    return [str(CAUSES[name]) for name in sequence.cancel_on if name in CAUSES]


def _step_of(run: WorkflowRun) -> int | None:
    """The number of the step for which the customer waits, from 1."""
    wait = getattr(run, "wait", None)
    return step_at(wait.path) + 1 if wait is not None else None


def _is_open(run: WorkflowRun) -> bool:
    """Whether somebody can have it go on, or end it."""
    is_left = run.status == WorkflowRun.Status.FAILED and run.process is not None and run.process.is_open
    return is_left or _step_of(run) is not None


def _sequence(pk: UUID) -> Workflow:
    rows = queries.sequences().select_related("organization")
    return first_or_404(rows.filter(pk=pk), _("There is no such sequence."))


def _context(request: Request) -> dict[str, object]:
    member = request.member
    return {
        "can_create": member.may("workflows.create"),
        "can_change": member.may("workflows.edit"),
        "can_delete": member.may("workflows.delete"),
        "can_enrol": member.may("conversations.edit"),
    }
