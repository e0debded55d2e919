"""Outcomes: recorded in two clicks from a customer's page or a conversation, corrected, taken away, and listed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import trigger_client_event

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import render_page, toast
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, Outcome, OutcomeType
from customers.people import confirm
from customers.people.access import find_visible
from customers.pipeline.outcomes import panel
from customers.pipeline.outcomes import queries as outcome_queries
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.outcomes.forms import OutcomeForm

ROWS = 50
PANEL, SLOT, PAGE = (
    "customers/pipeline/outcomes/panel.html",
    "customers/pipeline/outcomes/slot.html",
    "customers/pipeline/outcomes/form.html",
)
PARTIALS = {"more-outcomes": "customers/pipeline/outcomes/rows.html"}


@requires("customers.view")
@require_safe
def outcome_list(request: Request, organization: str) -> HttpResponse:
    """The newest first, by type and range of days, with what they come to."""
    types = list(OutcomeType.objects.all())
    state = outcome_queries.read(request.GET, types={kind.key for kind in types})
    rows = outcome_queries.outcomes_for(request.member, state)
    page = page_after(
        rows.select_related("type", "customer", "author"),
        cursor=request.GET.get("after", ""), size=ROWS, order=outcome_queries.ORDER,
    )  # fmt: skip
    is_more = request.htmx.target == "more-outcomes" if request.htmx else False
    context = {
        "state": state,
        "types": types,
        "outcomes": page.rows,
        "next_cursor": page.next_cursor,
        "totals": [] if is_more else outcome_queries.totals(rows),
        "can_edit": request.member.may("customers.edit"),
    }
    return render_page(request, "customers/pipeline/outcomes/list.html", context, partials=PARTIALS)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A new one; `in` says where the form stands (`panel`, `conversation`), without it is a page of its own."""
    customer, types = find_visible(request, pk), _types()
    form = OutcomeForm(
        request.POST if request.method == "POST" else None,
        types=types,
        initial={"currency": request.organization.currency},
    )
    if request.method == "POST" and form.is_valid():
        before = customer.stage.name
        with on_form(request, form):
            outcome = outcomes.record_outcome(customer=customer, actor=current_actor(), **form.values())
            message = f"{outcome.type.name} recorded"
            if customer.stage.name != before:
                message = f"{message}; moved to {customer.stage.name}"
            return _answer(request, customer, message)
    return _form(request, customer, form, None)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Correct one; it moves nobody."""
    outcome = _outcome(request, pk)
    lock_rows(request, outcome.customer, outcome)
    form = OutcomeForm(
        request.POST if request.method == "POST" else None,
        types=_types(),
        initial=OutcomeForm.initial_of(outcome),
        record=outcome,
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.values():
                outcomes.update(outcome=outcome, actor=current_actor(), changes=changes)
            toasts.success(request, "Saved.")
            return redirect("customers:detail", organization, outcome.customer_id)
    return _form(request, outcome.customer, form, outcome)


@requires("customers.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST takes it away."""
    outcome = _outcome(request, pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete “{outcome.type.name}”?",
            consequence=f"It counts no more for {outcome.customer.name}. They stay in their stage.",
            back=(reverse("customers:edit_outcome", args=[organization, pk]), outcome.type.name),
        )
    outcomes.delete(outcome=outcome, actor=current_actor())
    toasts.success(request, f"{outcome.type.name} is deleted.")
    return redirect("customers:detail", organization, outcome.customer_id)


def _answer(request: Request, customer: Customer, message: str) -> HttpResponse:
    """After recording: the place where the form stood, as it is now."""
    if not request.htmx:
        toasts.success(request, f"{message}.")
        return redirect("customers:detail", request.organization.slug, customer.pk)
    template = SLOT if request.GET.get("in") == "conversation" else PANEL
    response = render(request, template, _panel(request, customer))
    return toast(trigger_client_event(response, "customer-changed", {"what": "outcome"}), message)


def _form(request: Request, customer: Customer, form: OutcomeForm, outcome: Outcome | None) -> HttpResponse:
    status = 422 if form.errors else 200
    place = request.GET.get("in", "") if request.htmx else ""
    context = {"customer": customer, "form": form, "outcome": outcome, "place": place}
    if place == "conversation":
        return render(request, SLOT, {**context, "is_open": True}, status=status)
    if place == "panel":
        return render(request, PANEL, {**_panel(request, customer), **context}, status=status)
    can_delete = outcome is not None and request.member.may("customers.delete")
    return render(request, PAGE, {**context, "can_delete": can_delete}, status=status)


def _panel(request: Request, customer: Customer) -> dict[str, object]:
    return {"customer": customer, "panel": panel.outcomes(customer, request.member)}


def _types() -> list[OutcomeType]:
    return list(OutcomeType.objects.select_related("stage"))


def _outcome(request: Request, pk: UUID) -> Outcome:
    rows = Outcome.objects.visible_to(request.member).select_related(
        "type", "organization", "customer__organization", "customer__stage"
    )
    return first_or_404(rows.filter(pk=pk), "There is no such outcome, or it is not yours to see.")
