"""Documents on a customer's page: upload, download, delete."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message
from customers.models import CustomerFile
from customers.people import confirm
from customers.people.access import find_visible
from customers.people.files import services as files

# Shown in the browser; everything else, and whatever could run a script there, is a download.
DISPLAYED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


@requires("customers.edit")
@require_POST
def upload(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    content = request.FILES.get("file")
    if content is None:
        toasts.error(request, "Choose a file first.")
        return redirect("customers:detail", organization, pk)
    with as_message(request):
        files.add(
            customer=customer,
            content=content,
            name=content.name or "file",
            content_type=content.content_type or "",
            actor=current_actor(),
        )
    return redirect("customers:detail", organization, pk)


@requires("customers.view")
@require_safe
def download(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The document, for whoever may see its customer."""
    file = _file(request, pk)
    try:
        opened = file.content.open("rb")
    except OSError as error:
        raise Http404("The document is not in the storage any more.") from error
    is_displayed = file.content_type in DISPLAYED
    response: HttpResponseBase = FileResponse(
        opened,
        as_attachment=not is_displayed,
        filename=file.name,
        content_type=file.content_type if is_displayed else "application/octet-stream",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response  # type: ignore[return-value]


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    file = _file(request, pk)
    if request.method != "POST":
        back = reverse("customers:detail", args=[organization, file.customer_id])
        consequence = "The document is gone for good, also from the storage."
        return confirm.ask(
            request, question=f"Delete {file.name}?", consequence=consequence, back=(back, file.customer.name)
        )
    files.delete(file=file, actor=current_actor())
    return redirect("customers:detail", organization, file.customer_id)


def _file(request: Request, pk: UUID) -> CustomerFile:
    rows = CustomerFile.objects.visible_to(request.member).select_related("customer").filter(pk=pk)
    return first_or_404(rows, "There is no such document, or it is not yours to see.")
