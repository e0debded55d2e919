"""New sequence, and Edit: the steps as rows, as the editor of rules has them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.lookups import first_or_404
from core.refused import Refused
from core.refused_pages import Attempt, words_of
from core.row_locks import lock_rows, writes_at_once
from workflows.models import Workflow
from workflows.rules.editor import operations
from workflows.rules.editor.controls import Rows
from workflows.rules.services import WaitingRuns
from workflows.sequences import services as sequences
from workflows.sequences.forms import SequenceForm

PARTIALS: Final = {
    "rule-then": "workflows/rules/editor/actions.html",
}


@requires("workflows.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_sequence(request: Request, organization: str) -> HttpResponse:
    """A sequence of one's own; it lands switched off."""
    form = _form(request)
    if _is_saved(request, form):
        with Attempt(request, lambda refused: _take(request, form, refused)):
            values: sequences.SequenceValues = {**form.sequence_changes(), "is_enabled": False}
            made = sequences.create(organization=request.organization, actor=current_actor(), values=values)
            toasts.success(request, _("Saved. Switch it on, then put customers in."))
            return redirect("workflows:sequence", organization, made.pk)
    return _page(request, form, None)


@requires("workflows.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_sequence(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The content of a sequence; what is saved is a new version, and says what becomes of those inside."""
    rows = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE, pk=pk)
    sequence = first_or_404(rows.select_related("organization"), _("There is no such sequence."))
    lock_rows(request, sequence)
    form = _form(request, sequence)
    if _is_saved(request, form):
        with Attempt(request, lambda refused: _take(request, form, refused)):
            if changes := form.sequence_changes():
                waiting = WaitingRuns(form.cleaned_data.get("waiting") or WaitingRuns.FINISH)
                sequences.update(sequence=sequence, actor=current_actor(), changes=changes, waiting=waiting)
            toasts.success(request, _("Saved."))
            return redirect("workflows:sequence", organization, sequence.pk)
    return _page(request, form, sequence)


def _form(request: Request, record: Workflow | None = None) -> SequenceForm:
    data = request.POST if request.method == "POST" else None
    return SequenceForm(data, record=record, is_checked="do" not in request.GET)


def _is_saved(request: Request, form: SequenceForm) -> bool:
    return request.method == "POST" and form.is_checked and form.is_valid()


def _take(request: Request, form: SequenceForm, refused: Refused) -> None:
    form.take(refused, words_of(request, refused))


def _page(request: Request, form: SequenceForm, sequence: Workflow | None) -> HttpResponse:
    focus = operations.apply(form.draft, request.GET.get("do", "")) if form.is_bound and not form.is_checked else ""
    context = {"form": form, "sequence": sequence, "rows": Rows(form, focus), "focus": focus, "here": request.path}
    response = render_page(request, "workflows/sequences/editor.html", context, partials=PARTIALS)
    response.status_code = 422 if form.errors else 200
    return response
