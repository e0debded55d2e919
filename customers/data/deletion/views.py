"""Deleting a customer, the list of the deleted, and bringing one back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.pagination import page_after
from core.refused_pages import Attempt, as_message
from customers.data.deletion import blockers
from customers.data.deletion import services as deletion
from customers.data.deletion.access import find_customer
from customers.models import Customer

ROWS = 50


@requires("customers.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once, naming what is still open; a POST hides the customer."""
    customer = find_customer(request, pk)
    if customer.is_deleted:
        return redirect("customers:deleted", organization)
    attempt = Attempt(request)
    if request.method == "POST":
        with attempt:
            deletion.delete(customer=customer, actor=current_actor(), force=request.POST.get("force") == "yes")
            messages.success(request, f"{customer.name} was deleted. You can restore them for 30 days.")
            return redirect("customers:deleted", organization)
    context = {"customer": customer, "reasons": blockers.reasons_against(customer), "days": deletion.RESTORE_DAYS}
    return render(request, "customers/data/deletion/delete.html", context, status=attempt.status)


@requires("customers.delete")
@require_safe
def deleted(request: Request, organization: str) -> HttpResponse:
    """Those that can be restored, the last deleted first."""
    rows = Customer.objects.within_reach_of(request.member).deleted().select_related("assigned_to")
    page = page_after(
        rows, cursor=request.GET.get("after", ""), size=ROWS, order=("-deleted_at", "-id")
    )  # fmt: skip
    context = {"customers": page.rows, "next_cursor": page.next_cursor, "days": deletion.RESTORE_DAYS}
    return render(request, "customers/data/deletion/deleted.html", context)


@requires("customers.delete")
@require_POST
def restore(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Show them again, with everything of theirs."""
    customer = find_customer(request, pk)
    with as_message(request):
        deletion.restore(customer=customer, actor=current_actor())
        messages.success(request, f"{customer.name} is there again.")
        return redirect("customers:detail", organization, pk)
    return redirect("customers:deleted", organization)
