"""Everything held on a person: put together as a file, and erased."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import Attempt
from customers.data.deletion import blockers
from customers.data.deletion.access import find_customer
from customers.data.personal_data import services as personal_data
from customers.people.files.downloads import as_download


@requires("customers.export")
@require_POST
def export(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Put together everything held on a person; the job's page leads to the download."""
    customer = find_customer(request, pk)
    job = personal_data.start_export(customer=customer, actor=current_actor(), user=request.member.user)
    return redirect("organization:job", organization, job.pk)


@requires("customers.export")
@require_safe
def download(request: Request, organization: str, pk: UUID, job: UUID) -> StreamingHttpResponse:
    """The ZIP, for seven days."""
    file = personal_data.find_export(customer=find_customer(request, pk), job_id=job)
    if file is None:
        raise Http404("There is no such export, or its seven days are over.")
    return as_download(request, file, "application/zip")


@requires("customers.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The confirmation page of erasing; a POST with the customer's code starts the job."""
    customer = find_customer(request, pk)
    if customer.erased_at is not None:
        raise Http404("The customer was erased.")
    attempt = Attempt(request)
    if request.method == "POST":
        confirm = request.POST.get("confirm", "")
        with attempt:
            job = personal_data.start_erasure(
                customer=customer, confirm=confirm, actor=current_actor(), user=request.member.user
            )
            return redirect("organization:job", organization, job.pk)
    context = {"customer": customer, "error": attempt.error, "reasons": blockers.reasons_against(customer)}
    return render(request, "customers/data/personal_data/erase.html", context, status=422 if attempt.error else 200)
