"""Deleting a customer and bringing them back, everything held on a person, and for how long people are kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires
from activity.actor import current_actor
from core.http import Request
from core.pagination import InvalidCursor, page_after
from customers import holds
from customers.downloads import as_download
from customers.models import Customer
from customers.services import deletion, personal_data, retention

ROWS = 50


@requires("customers.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once, naming what is still open; a POST hides the customer."""
    customer = _find(request, pk)
    if customer.is_deleted:
        return redirect("customers:deleted", organization)
    status = 200
    if request.method == "POST":
        try:
            deletion.delete(customer=customer, actor=current_actor(), force=request.POST.get("force") == "yes")
        except deletion.Held:
            status = 409
        else:
            messages.success(request, f"{customer.name} was deleted. You can restore them for 30 days.")
            return redirect("customers:deleted", organization)
    shown = {"customer": customer, "reasons": holds.reasons_against(customer), "days": deletion.RESTORE_DAYS}
    return render(request, "customers/delete.html", shown, status=status)


@requires("customers.delete")
@require_safe
def deleted(request: Request, organization: str) -> HttpResponse:
    """Those that can be restored, the last deleted first."""
    rows = Customer.objects.within_reach_of(request.member).deleted().select_related("assigned_to")
    try:
        page = page_after(
            rows, cursor=request.GET.get("after", ""), size=ROWS, order=("-deleted_at", "-id")
        )  # fmt: skip
    except InvalidCursor as error:
        raise Http404("This address is not complete.") from error
    shown = {"customers": page.rows, "next_cursor": page.next_cursor, "days": deletion.RESTORE_DAYS}
    return render(request, "customers/deleted.html", shown)


@requires("customers.delete")
@require_POST
def restore(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Show them again, with everything of theirs."""
    customer = _find(request, pk)
    try:
        deletion.restore(customer=customer, actor=current_actor())
    except deletion.NotRestorable as error:
        messages.error(request, str(error))
        return redirect("customers:deleted", organization)
    messages.success(request, f"{customer.name} is there again.")
    return redirect("customers:detail", organization, pk)


@requires("customers.export")
@require_POST
def export(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Put together everything held on a person; the job's page leads to the download."""
    customer = _find(request, pk)
    job = personal_data.start_export(customer=customer, actor=current_actor(), user=request.member.user)
    return redirect("organization:job", organization, job.pk)


@requires("customers.export")
@require_safe
def download(request: Request, organization: str, pk: UUID, job: UUID) -> StreamingHttpResponse:
    """The ZIP, for seven days."""
    file = personal_data.find_export(customer=_find(request, pk), job_id=job)
    if file is None:
        raise Http404("There is no such export, or its seven days are over.")
    return as_download(request, file, "application/zip")


@requires("customers.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What goes and what stays; the typed code confirms."""
    customer = _find(request, pk)
    if customer.erased_at is not None:
        raise Http404("The customer was erased.")
    error = ""
    if request.method == "POST":
        try:
            job = personal_data.start_erasure(
                customer=customer,
                confirm=request.POST.get("confirm", ""),
                actor=current_actor(),
                user=request.member.user,
            )
        except personal_data.NotConfirmed as refused:
            error = str(refused)
        else:
            return redirect("organization:job", organization, job.pk)
    shown = {"customer": customer, "error": error, "reasons": holds.reasons_against(customer)}
    return render(request, "customers/erase.html", shown, status=422 if error else 200)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def keeping(request: Request, organization: str) -> HttpResponse:
    """For how long people are kept with whom nothing happens, and how many each choice would erase now."""
    error = ""
    if request.method == "POST":
        try:
            months = _months(request.POST.get("retention_months", ""))
            retention.set_months(organization=request.organization, months=months, actor=current_actor())
        except retention.NotOffered as refused:
            error = str(refused)
        else:
            messages.success(request, "Saved.")
            return redirect("customers:keeping", organization)
    shown = {"choices": _choices(request), "error": error, "days": deletion.RESTORE_DAYS}
    shown |= {"tab": "data", "can_edit_settings": True}
    return render(request, "customers/keeping.html", shown, status=422 if error else 200)


def _months(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise retention.NotOffered
    return int(text[:4])


def _choices(request: Request) -> list[dict[str, Any]]:
    now, chosen = timezone.now(), request.organization.retention_months
    never = {"months": "", "label": "Never", "count": 0, "is_chosen": chosen is None}
    return [never] + [
        {
            "months": months,
            "label": f"{months // 12} year{'s' if months > 12 else ''}",
            "count": retention.inactive(months, now=now).count(),
            "is_chosen": chosen == months,
        }
        for months in retention.MONTHS
    ]


def _find(request: Request, pk: UUID) -> Customer:
    """Deleted ones too, but no merged one. Raises Http404, whoever's it is."""
    rows = Customer.objects.within_reach_of(request.member).select_related("organization", "stage")
    found: Customer | None = rows.filter(pk=pk, merged_into__isnull=True).first()
    if found is None:
        raise Http404("There is no such customer, or it is not yours to see.")
    return found
