"""The pages of imports: upload, mapping, dry run, import, result, and reverting."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity import jobs
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import Attempt, as_message
from core.safe_cells import csv_bytes
from core.streaming import streamed
from customers.data import undo
from customers.data.imports import files as import_files
from customers.data.imports import services as imports
from customers.data.imports.services import AlreadyRunning, InvalidMapping
from customers.data.tables.limits import Limits, RefusedFile, in_megabytes
from customers.data.tables.writing import BOM
from customers.models import CustomerImport

ROWS = 20
MAX_SAMPLES = 3
State = CustomerImport.State
EXAMPLE = [
    ["Name", "E-mail", "Phone", "Company", "Street", "City", "Postal code", "Country", "Tags", "Source", "Notes"],
    ["Ada Lovelace", "ada@example.com", "+44 7700 900123", "Analytical Engines", "12 St James’s Square", "London",
     "SW1Y 4JH", "United Kingdom", "VIP; newsletter", "fair", "Prefers to be called in the morning"],
    ["Grace Hopper", "grace@example.com", "+1 202 555 0143", "", "", "Arlington", "", "USA", "", "website", ""],
]  # fmt: skip


@requires(imports.PERMISSION)
@require_safe
def import_list(request: Request, organization: str) -> HttpResponse:
    """The imports so far."""
    page = page_after(imports.visible_imports(request.member), cursor=request.GET.get("after", ""), size=ROWS)
    return render(request, "customers/data/imports/list.html", {"imports": page.rows, "next_cursor": page.next_cursor})


@requires(imports.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, organization: str) -> HttpResponse:
    """Choose a file."""
    limits, attempt = Limits.of_installation(), Attempt(request)
    if request.method == "POST":
        file = request.FILES.get("file")
        with attempt:
            if file is None:
                raise RefusedFile("Choose a file first.")
            upload = imports.upload(file=file, name=file.name or "", member=request.member)
            return redirect("customers:import_detail", organization, upload.pk)
    context = {"problem": attempt.error, "most": in_megabytes(limits.most_bytes), "most_rows": f"{limits.most_rows:,}"}
    return render(request, "customers/data/imports/new.html", context, status=422 if attempt.error else 200)


@requires(imports.PERMISSION)
@require_safe
def example(request: Request, organization: str) -> HttpResponse:
    """A file to begin with."""
    response = HttpResponse(BOM + csv_bytes(EXAMPLE), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="customers-example.csv"'
    return response


@requires(imports.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """One import: its mapping, its progress, or its result."""
    upload = _find(request, pk)
    if request.method == "POST":
        return _act(request, upload)
    if imports.is_running(upload) or imports.is_being_undone(upload):
        return _progress(request, upload)
    if request.htmx and request.htmx.target == "import-progress":
        # It has ended: the page shows what came of it.
        return HttpResponse(headers={"HX-Refresh": "true"})
    if _is_open(upload) and (upload.state != State.CHECKED or request.GET.get("step") == "columns"):
        return _columns(request, upload, upload.mapping)
    return render(request, "customers/data/imports/result.html", _result(request, upload))


@requires(imports.PERMISSION)
@require_safe
def rejected(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """The rejected rows as a file."""
    upload = _find(request, pk)
    if not upload.rejected_file or not default_storage.exists(str(upload.rejected_file.name)):
        raise Http404("No row was rejected, or the file is gone by now.")
    pieces = import_files.rejected_pieces(upload)
    name = import_files.rejected_name(upload)
    return streamed(request, pieces, content_type="text/csv; charset=utf-8", filename=name)


@requires(imports.PERMISSION)
@require_POST
def undo_import(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Start reverting an import."""
    upload = _find(request, pk)
    with as_message(request):
        if not imports.can_be_undone(upload) or upload.change_set is None:
            raise undo.TooLate("There is nothing to undo, or it is too late.")
        undo.undo(change_set=upload.change_set, actor=current_actor(), user=request.member.user)
    return redirect("customers:import_detail", organization, pk)


@requires(imports.PERMISSION)
@require_POST
def discard(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Delete an import of which nothing was written."""
    upload = _find(request, pk)
    if imports.is_running(upload) or upload.change_set is not None:
        toasts.error(request, "This was imported, or is being worked on.")
        return redirect("customers:import_detail", organization, pk)
    imports.discard(upload=upload)
    toasts.success(request, "The file was deleted.")
    return redirect("customers:imports", organization)


# --- What the page shows ----------------------------------------------------------------------------------------------


def _act(request: Request, upload: CustomerImport) -> HttpResponse:
    action = request.POST.get("do", "")
    if action == "cancel":
        return _cancel(request, upload)
    if not _is_open(upload):
        toasts.error(request, "This file was imported already.")
        return redirect("customers:import_detail", request.organization.slug, upload.pk)
    mapping = _mapping(request, upload)
    if action == "preview":
        return _columns(request, upload, mapping)
    try:
        imports.start(
            upload=upload, member=request.member, actor=current_actor(), mapping=mapping,
            on_duplicate=_on_duplicate(request, upload), dry_run=action != "import",
        )  # fmt: skip
    except InvalidMapping as error:
        return _columns(request, upload, mapping, problem=str(error))
    except AlreadyRunning as error:
        toasts.error(request, str(error))
    return redirect("customers:import_detail", request.organization.slug, upload.pk)


def _cancel(request: Request, upload: CustomerImport) -> HttpResponse:
    job = imports.job_of(upload)
    with as_message(request):
        if job is not None:
            jobs.cancel(job=job)
    return redirect("customers:import_detail", request.organization.slug, upload.pk)


def _columns(request: Request, upload: CustomerImport, mapping: dict[str, str], *, problem: str = "") -> HttpResponse:
    """The columns with their fields, and how the first rows would be read."""
    guesses = {guess.column: guess for guess in imports.guesses(upload)}
    samples = [cells for _, cells in import_files.first_rows(upload, ROWS)]
    context: dict[str, object] = {
        "upload": upload,
        "columns": [
            {
                "position": position,
                "name": header,
                "field": mapping.get(header, ""),
                "guess": guesses[header],
                "samples": [row[position] for row in samples if position < len(row) and row[position]][:MAX_SAMPLES],
            }
            for position, header in enumerate(upload.headers)
        ],
        "choices": imports.field_choices(),
        "on_duplicate": _on_duplicate(request, upload),
        "ways": CustomerImport.OnDuplicate.choices,
        "step": 2,
        "may_define": request.member.may("settings.edit"),
    }
    with Attempt(request) as attempt:
        context["preview"] = _preview(upload, mapping)
    context["problem"] = problem or attempt.error
    return render_page(
        request, "customers/data/imports/columns.html", context,
        partials={"import-preview": "customers/data/imports/partials/preview.html"},
    )  # fmt: skip


def _preview(upload: CustomerImport, mapping: dict[str, str]) -> dict[str, object]:
    result = imports.preview(upload=upload, mapping=mapping)
    labels = dict(imports.field_choices())
    rows = []
    for row in result.rows:
        by_place = {problem.position: problem.reason for problem in row.problems}
        cells = [
            {"text": text, "problem": by_place.get(place, "")}
            for place, text in enumerate(row.cells[: len(upload.headers)])
        ]
        whole = [str(problem) for problem in row.problems if problem.position < 0]
        rows.append({"number": row.number, "cells": cells, "whole": whole, "is_good": not row.problems})
    heads = [{"name": header, "field": labels.get(mapping.get(header, ""), "")} for header in upload.headers]
    return {"heads": heads, "rows": rows, "problems": result.problems, "count": len(rows)}


def _progress(request: Request, upload: CustomerImport) -> HttpResponse:
    is_undo = imports.is_being_undone(upload)
    job = imports.undo_job_of(upload) if is_undo else imports.job_of(upload)
    context = {
        "upload": upload,
        "job": job,
        "is_undo": is_undo,
        "percent": int((job.progress if job else 0) * 100),
        "is_trial": bool(job and job.params.get("dry_run")),
        "step": 3 if job and job.params.get("dry_run") else 4,
    }
    return render_page(
        request, "customers/data/imports/progress.html", context,
        partials={"import-progress": "customers/data/imports/partials/progress.html"},
    )  # fmt: skip


def _result(request: Request, upload: CustomerImport) -> dict[str, object]:
    job = imports.job_of(upload)
    undone = imports.undo_job_of(upload)
    result = upload.result or (job.result if job else {})
    return {
        "upload": upload,
        "job": job,
        "result": result,
        "good": result.get("created", 0) + result.get("updated", 0),
        "columns": sorted(result.get("columns", {}).items(), key=lambda item: -item[1]),
        "undone": undone,
        "is_trial": upload.state == State.CHECKED,
        "is_over": upload.state in (State.DONE, State.UNDONE),
        "can_be_undone": imports.can_be_undone(upload),
        "labels": [(column, dict(imports.field_choices()).get(name, name)) for column, name in upload.mapping.items()],
        "step": 3 if upload.state == State.CHECKED else 4,
    }


def _mapping(request: Request, upload: CustomerImport) -> dict[str, str]:
    """What the page's selects say; the stored mapping where the form has none."""
    if not any(name.startswith("column-") for name in request.POST):
        return dict(upload.mapping)
    known = {name for name, _ in imports.field_choices()}
    results = {}
    for position, header in enumerate(upload.headers):
        field = request.POST.get(f"column-{position}", "")
        if field in known:
            results[header] = field
    return results


def _on_duplicate(request: Request, upload: CustomerImport) -> str:
    posted = request.POST.get("on_duplicate", "")
    return posted if posted in CustomerImport.OnDuplicate.values else upload.on_duplicate


def _is_open(upload: CustomerImport) -> bool:
    """Whether it can still be imported."""
    return upload.state not in (State.DONE, State.UNDONE) and bool(upload.source_file)


def _find(request: Request, pk: UUID) -> CustomerImport:
    rows = imports.visible_imports(request.member).filter(pk=pk)
    return first_or_404(rows, "There is no such import, or it is not yours to see.")
