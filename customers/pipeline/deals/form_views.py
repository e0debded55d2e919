"""A deal as a form: new with a customer, changed, deleted."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, CustomField, Deal, Stage
from customers.people import confirm
from customers.people.access import find_visible
from customers.people.custom_fields import services as custom_fields
from customers.people.owners import possible_owners
from customers.people.windowed_search import newest_matches
from customers.pipeline.deals import services as deals
from customers.pipeline.deals.access import find_deal
from customers.pipeline.deals.forms import DealForm

MAX_MATCHES = 8
# Where a form may lead back to, by the `from` of its address.
FROM = {"deals": "customers:deals", "board": "customers:deal_board"}


@requires("deals.create")
@require_safe
def choose(request: Request, organization: str) -> HttpResponse:
    """Choose the customer of a new deal: matches of `q`, or those with the latest activity."""
    if not request.member.may("customers.view"):
        raise PermissionDenied("Your role does not permit this (customers.view).")
    q = request.GET.get("q", "").strip()[:200]
    rows = Customer.objects.visible_to(request.member).select_related("stage")
    result = (
        newest_matches(rows.matching(q), size=MAX_MATCHES)
        if q
        else rows.order_by("-last_activity_at", "-id")[:MAX_MATCHES]
    )
    context = {"q": q, "matches": list(result), "origin": _origin(request)}
    is_part = request.htmx and request.htmx.target == "people"
    return render(
        request, "customers/pipeline/deals/people.html" if is_part else "customers/pipeline/deals/choose.html", context
    )


@requires("deals.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_deal(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Money at stake with the customer."""
    return _form(request, find_visible(request, pk), None)


@requires("deals.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_deal(request: Request, organization: str, pk: UUID) -> HttpResponse:
    deal = find_deal(request, pk)
    lock_rows(request, deal.customer, deal)
    return _form(request, deal.customer, deal)


@requires("deals.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_deal(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    deal = find_deal(request, pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete the deal “{deal.title}”?",
            consequence="It leaves every list and total for good. To remember that it failed, mark it as lost.",
            back=(reverse("customers:edit_deal", args=[organization, pk]), deal.title),
        )
    deals.delete(deal=deal, actor=current_actor())
    toasts.success(request, f"“{deal.title}” is deleted.")
    return redirect("customers:deals", organization)


def _form(request: Request, customer: Customer, deal: Deal | None) -> HttpResponse:
    initial: dict[str, object] = {
        "currency": request.organization.currency,
        "stage": str(customer.stage_id) if customer.stage.kind == Stage.Kind.OPEN else "",
        "owner": str(request.member.user_id),
    }
    form = DealForm(
        request.POST or None,
        initial=DealForm.initial_of(deal) if deal else initial,
        stages=list(Stage.objects.all()),
        owners=possible_owners(),
        record=deal,
    )
    form.add_own_fields(custom_fields.definitions(CustomField.Entity.DEAL), deal.custom_fields if deal else {})
    back = _back_url(request, customer)
    if request.method == "POST" and form.is_valid() and _saved(request, customer, deal, form):
        return redirect(back)
    context = {
        "form": form,
        "customer": customer,
        "deal": deal,
        "back": back,
        "may_delete": deal is not None and request.member.may("deals.delete"),
    }
    return render(request, "customers/pipeline/deals/form.html", context, status=422 if form.errors else 200)


def _saved(request: Request, customer: Customer, deal: Deal | None, form: DealForm) -> bool:
    """Whether the deal was saved; a refusal becomes an error of its field."""
    fields = form.changes()
    if own := form.own_values():
        fields["custom_fields"] = own
    if not form.is_valid():
        return False
    with on_form(request, form):
        if deal is None:
            deals.create(customer=customer, actor=current_actor(), **{"owner": request.member.user, **fields})
        elif fields:
            deals.update(deal=deal, actor=current_actor(), changes=fields)
        return True
    return False


def _origin(request: Request) -> str:
    origin = request.GET.get("from", "")
    return origin if origin in FROM else ""


def _back_url(request: Request, customer: Customer) -> str:
    slug, origin = request.organization.slug, _origin(request)
    return reverse(FROM[origin], args=[slug]) if origin else reverse("customers:detail", args=[slug, customer.pk])
