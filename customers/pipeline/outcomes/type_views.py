"""The pages of an organization's outcome types."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import OutcomeType, Stage
from customers.people import confirm
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.outcomes.forms import OutcomeTypeForm
from customers.pipeline.stages.order import reorder

EDIT = "settings.edit"


@requires("settings.view")
@require_safe
def type_list(request: Request, organization: str) -> HttpResponse:
    """The types in their order, with how often each was recorded."""
    return render(request, "customers/pipeline/outcomes/outcome_types.html", _list_context(request))


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def new_type(request: Request, organization: str) -> HttpResponse:
    """A type more, after the others."""
    form = OutcomeTypeForm(_posted(request), stages=list(Stage.objects.all()), initial={"color": "slate"})
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            outcome_type = outcomes.create_type(
                organization=request.organization, actor=current_actor(), **form.values()
            )
            toasts.success(request, f"“{outcome_type.name}” can be recorded from now on.")
            return redirect("customers:outcome_types", organization)
    return _form(request, form, None)


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_type(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Name, colour, stage, whether it converts and has an amount; the key is for good."""
    outcome_type = _outcome_type(pk)
    lock_rows(request, outcome_type)
    form = OutcomeTypeForm(
        _posted(request),
        stages=list(Stage.objects.all()),
        initial=OutcomeTypeForm.initial_of(outcome_type),
        record=outcome_type,
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.values():
                outcomes.update_type(outcome_type=outcome_type, actor=current_actor(), changes=changes)
            toasts.success(request, "Saved.")
            return redirect("customers:outcome_types", organization)
    return _form(request, form, outcome_type)


@requires(EDIT)
@require_POST
def order_types(request: Request, organization: str) -> HttpResponse:
    """Put them in the order of `order` (ids), or move one by a step: `move` is an id and `up` or `down`."""
    return reorder(
        request,
        OutcomeType.objects.all(),
        lambda ids: outcomes.reorder_types(organization=request.organization, actor=current_actor(), ids=ids),
        lambda: render(request, "customers/pipeline/outcomes/outcome_type_list.html", _list_context(request)),
        "customers:outcome_types",
    )


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def delete_type(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST takes away what was never recorded."""
    outcome_type = _outcome_type(pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete “{outcome_type.name}”?",
            consequence="It can’t be recorded any more. What was recorded already keeps its type, and the type stays.",
            back=(reverse("customers:outcome_type", args=[organization, pk]), outcome_type.name),
        )
    with as_message(request):
        outcomes.delete_type(outcome_type=outcome_type, actor=current_actor())
        toasts.success(request, f"“{outcome_type.name}” is gone.")
    return redirect("customers:outcome_types", organization)


def _posted(request: Request) -> object:
    return request.POST if request.method == "POST" else None


def _list_context(request: Request) -> dict[str, object]:
    rows = OutcomeType.objects.select_related("stage").annotate(recorded=Count("outcomes"))
    return {
        "types": rows.order_by("position", "key"),
        "can_edit_settings": request.member.may(EDIT),
        "tab": "outcomes",
    }


def _form(request: Request, form: OutcomeTypeForm, outcome_type: OutcomeType | None) -> HttpResponse:
    context = {
        "form": form,
        "kind": outcome_type,
        "back": reverse("customers:outcome_types", args=[request.organization.slug]),
    }
    return render(request, "customers/pipeline/outcomes/outcome_type.html", context, status=422 if form.errors else 200)


def _outcome_type(pk: UUID) -> OutcomeType:
    rows = OutcomeType.objects.select_related("stage", "organization").filter(pk=pk)
    return first_or_404(rows, "There is no such type.")
