"""Deleting a customer and bringing them back, everything held on a person, and for how long people are kept."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core import inline
from core.http import Request
from core.pagination import InvalidCursor, page_after
from core.row_locks import lock_rows, writes_at_once
from customers.data.deletion import blockers as holds
from customers.data.deletion import retention
from customers.data.deletion import services as deletion
from customers.data.personal_data import services as personal_data
from customers.models import Customer
from customers.people.files.downloads import as_download

ROWS = 50
KEEPING = "retention_months"


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
@writes_at_once
def keeping(request: Request, organization: str) -> HttpResponse:
    """For how long people are kept with whom nothing happens, and how many each choice would erase now."""
    error, now = "", request.organization
    lock_rows(request, now)
    given = request.POST.get("retention_months", "")
    if request.method == "POST":
        try:
            months = _months(given, now.retention_months)
            is_outdated = inline.is_outdated(now, KEEPING, now.retention_months, request.POST.get(inline.SHOWN))
            if months != now.retention_months and is_outdated:
                raise ChangedMeanwhile(_in_words(now.retention_months))
            if months != now.retention_months:
                retention.set_months(organization=now, months=months, actor=current_actor())
        except (retention.NotOffered, ChangedMeanwhile) as refused:
            error = str(refused)
        else:
            messages.success(request, "Saved.")
            return redirect("customers:keeping", organization)
    chosen = given if error else str(now.retention_months or "")
    shown = {"choices": _choices(now.retention_months, chosen), "error": error, "days": deletion.RESTORE_DAYS}
    shown |= {"tab": "data", "can_edit_settings": True}
    return render(request, "customers/keeping.html", shown, status=422 if error else 200)


class ChangedMeanwhile(ValueError):
    """Somebody else chose something else since the page was opened."""

    def __init__(self, theirs: str) -> None:
        told = _("Somebody changed this to “%(theirs)s” meanwhile. Save again if you still want your choice.")
        super().__init__(told % {"theirs": theirs})


def _months(text: str, now: int | None) -> int | None:
    if not text:
        return None
    if text == str(now):
        # What is so already may be no longer among what is offered.
        return now
    if not (text.isascii() and text.isdigit()):
        raise retention.NotOffered
    return int(text[:4])


def _choices(held: int | None, chosen: str) -> list[dict[str, object]]:
    """What is offered, and what is kept to though it is not offered (any more)."""
    now = timezone.now()
    never = {"months": "", "label": _in_words(None), "count": 0, "is_chosen": not chosen}
    offered = sorted({*retention.MONTHS, *([held] if held else [])})
    return [never] + [
        {
            "months": months,
            "label": _in_words(months),
            "count": retention.inactive(months, now=now).count(),
            "is_chosen": chosen == str(months),
        }
        for months in offered
    ]


def _in_words(months: int | None) -> str:
    if months is None:
        return "Never"
    if months % 12:
        return f"{months} months"
    return f"{months // 12} year{'s' if months > 12 else ''}"


def _find(request: Request, pk: UUID) -> Customer:
    """Deleted ones too, but no merged one. Raises Http404, whoever's it is."""
    rows = Customer.objects.within_reach_of(request.member).select_related("organization", "stage")
    found = rows.filter(pk=pk, merged_into__isnull=True).first()
    if found is None:
        raise Http404("There is no such customer, or it is not yours to see.")
    return found
