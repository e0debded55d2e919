"""The pipeline as an administrator sets it up: its stages, their order, and what follows from a move."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import Attempt, on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import Stage
from customers.people.settings import services as customer_settings
from customers.pipeline.stages import services as stages
from customers.pipeline.stages.forms import PipelineRulesForm, StageForm
from customers.pipeline.stages.order import reorder

EDIT = "settings.edit"


@requires("settings.view")
@require_safe
def pipeline(request: Request, organization: str) -> HttpResponse:
    """The stages in their order, and what the organization decides about them."""
    return _page(request)


@requires(EDIT)
@require_POST
@writes_at_once
def save_rules(request: Request, organization: str) -> HttpResponse:
    """Follow-ups, stalled leads, lost reasons, and where closed deals move their customer."""
    lock_rows(request, request.organization)
    decided = customer_settings.of(request.organization)
    form = PipelineRulesForm(
        request.POST,
        stages=list(Stage.objects.all()),
        initial=PipelineRulesForm.initial_of(decided),
        record=request.organization,
    )
    if form.is_valid():
        with on_form(request, form):
            if changes := form.changes():
                customer_settings.change(organization=request.organization, actor=current_actor(), changes=changes)
            toasts.success(request, "Saved.")
            return redirect("customers:pipeline_settings", organization)
    return _page(request, form)


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def new_stage(request: Request, organization: str) -> HttpResponse:
    """A stage more; an open one stands after the other open ones."""
    form = StageForm(request.POST or None, initial={"kind": Stage.Kind.OPEN, "color": "slate", "probability": 0})
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            stage = stages.create(organization=request.organization, actor=current_actor(), **form.values())
            toasts.success(request, f"“{stage.name}” is part of the pipeline now.")
            return redirect("customers:pipeline_settings", organization)
    return _form(request, form, None)


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def change_stage(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Name, kind, colour, probability, hours and task; the key is for good."""
    stage = _stage(pk)
    if request.method == "POST":
        stages.lock(request.organization)
    lock_rows(request, stage)
    form = StageForm(request.POST or None, initial=StageForm.initial_of(stage), record=stage)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.values():
                stages.update(stage=stage, actor=current_actor(), changes=changes)
            toasts.success(request, "Saved.")
            return redirect("customers:pipeline_settings", organization)
    return _form(request, form, stage)


@requires(EDIT)
@require_POST
def order_stages(request: Request, organization: str) -> HttpResponse:
    """Put them in the order of `order` (ids), or move one by a step: `move` is an id and `up` or `down`."""
    return reorder(
        request,
        Stage.objects.all(),
        lambda ids: stages.reorder(organization=request.organization, actor=current_actor(), ids=ids),
        lambda: render(request, "customers/pipeline/stages/stage_list.html", _list_context(request)),
        "customers:pipeline_settings",
    )


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def remove_stage(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask where everybody in it moves to; a POST takes the stage away, at once or by a job."""
    stage = _stage(pk)
    others = list(Stage.objects.exclude(pk=pk))
    attempt = Attempt(request)
    if request.method == "POST":
        home = next((one for one in others if str(one.pk) == request.POST.get("home")), None)
        with attempt:
            job = stages.remove(stage=stage, home=home, actor=current_actor(), member=request.member)
            if job is not None:
                return redirect("organization:job", organization, job.pk)
            toasts.success(request, f"“{stage.name}” is gone.")
            return redirect("customers:pipeline_settings", organization)
    counts = stages.counts_in(stage)
    is_last_open = stage.kind == Stage.Kind.OPEN and not any(one.kind == Stage.Kind.OPEN for one in others)
    context = {
        "stage": stage,
        "others": others,
        "counts": counts,
        "is_in_use": any(counts.values()),
        "is_last_open": is_last_open,
        "error": attempt.error,
        "proposed": _neighbour(stage, others),
    }
    return render(request, "customers/pipeline/stages/stage_remove.html", context, status=422 if attempt.error else 200)


def _page(request: Request, form: PipelineRulesForm | None = None) -> HttpResponse:
    context = _list_context(request)
    if form is None:
        initial = PipelineRulesForm.initial_of(customer_settings.of(request.organization))
        form = PipelineRulesForm(initial=initial, stages=context["stages"], record=request.organization)
    if not context["can_edit_settings"]:
        for field in form.fields.values():
            field.disabled = True
    status = 422 if form.errors else 200
    return render(request, "customers/pipeline/stages/stages.html", {**context, "form": form}, status=status)


def _list_context(request: Request) -> dict[str, Any]:
    present = Count("customers", filter=Q(customers__deleted_at__isnull=True))
    return {
        "stages": list(Stage.objects.annotate(standing=present).order_by("position", "key")),
        "can_edit_settings": request.member.may(EDIT),
        "tab": "pipeline",
    }


def _neighbour(stage: Stage, others: list[Stage]) -> Stage | None:
    """The stage that is proposed as the new home: of the same kind, the nearest before it."""
    alike = [one for one in others if one.kind == stage.kind] or others
    return min(alike, key=lambda one: (abs(one.position - stage.position), one.position), default=None)


def _stage(pk: UUID) -> Stage:
    return first_or_404(Stage.objects.select_related("organization").filter(pk=pk), "There is no such stage.")


def _form(request: Request, form: StageForm, stage: Stage | None) -> HttpResponse:
    context = {
        "form": form,
        "stage": stage,
        "back": reverse("customers:pipeline_settings", args=[request.organization.slug]),
    }
    return render(request, "customers/pipeline/stages/stage_form.html", context, status=422 if form.errors else 200)
