"""A customer's page: fields, addresses, panels, and the timeline."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.frame import recent
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.pagination import page_after
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, CustomField, Stage
from customers.page.panels import panels_for
from customers.page.timeline import queries as timeline
from customers.people.access import field_context, find_visible
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers.forms import DetailsForm, EntryForm
from customers.people.customers.queries import history_of
from customers.people.fields import Kind, of_kind
from customers.people.owners import possible_owners

ROWS = 30
HISTORY_ROWS = 50


@requires("customers.view")
@require_safe
def detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The fields, the timeline, and the panels of every app."""
    survivor = _survivor(request, pk)
    if survivor is not None:
        return redirect("customers:detail", organization, survivor)
    customer = find_visible(request, pk)
    fields = field_context(request, customer)
    context = {
        **fields,
        **_timeline(request, customer),
        "people": {str(user.pk): user.get_full_name() for user in fields["owners"]},
        "details": details_of(customer),
        "entry": EntryForm(initial={"kind": "note"}),
        "panels": panels_for(customer, request.member),
        "identities": [i for i in customer.identities.all() if not i.is_primary],
        "can_delete_customer": request.member.may("customers.delete"),
        "can_export_customer": request.member.may("customers.export"),
    }
    partials = {
        "timeline": "customers/page/timeline/timeline.html",
        "more-timeline": "customers/page/timeline/timeline_items.html",
    }
    response = render_page(request, "customers/page/customer/detail.html", context, partials=partials)
    return recent.remember(request, response, customer.pk)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Every field at once, the organization's own among them."""
    customer = find_visible(request, pk)
    lock_rows(request, customer)
    form = DetailsForm(request.POST or None, initial=DetailsForm.initial_of(customer), record=customer)
    form.add_own_fields(custom_fields.definitions(CustomField.Entity.CUSTOMER), customer.custom_fields)
    if request.method == "POST" and form.is_valid():
        changes = form.changes(customer)
        if form.is_valid():
            with on_form(request, form):
                if changes:
                    customers.update(customer=customer, actor=current_actor(), changes=changes)
                return redirect("customers:detail", organization, customer.pk)
    return render(
        request,
        "customers/page/customer/edit.html",
        {"form": form, "customer": customer},
        status=422 if form.errors else 200,
    )


@requires("customers.view")
@require_safe
def history(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Every change of the customer's fields: who, when, before and after."""
    customer = find_visible(request, pk)
    page = page_after(
        history_of(customer), cursor=request.GET.get("after", ""), size=HISTORY_ROWS, order=("-occurred_at", "-id")
    )
    names = {str(user.pk): user.get_full_name() for user in possible_owners()}
    names |= dict(Stage.objects.values_list("key", "name"))
    context = {"customer": customer, "rows": page.rows, "next_cursor": page.next_cursor, "people": names}
    return render(request, "customers/page/customer/history.html", context)


def details_of(customer: Customer) -> list[tuple[str, str, str]]:
    """The filled fields beside name and addresses, as label, value and kind (`text`, `url`)."""
    results = [(str(one.label), one.text_of(customer), "text") for one in of_kind(Kind.LINE, Kind.CHOICE, Kind.ADDRESS)]
    for field in custom_fields.definitions(CustomField.Entity.CUSTOMER):
        kind = "url" if field.type == CustomField.Type.URL else "text"
        results.append((field.label, custom_fields.show(field, customer.custom_fields.get(field.key)), kind))
    return [line for line in results if line[1]]


def _timeline(request: Request, customer: Customer) -> dict[str, object]:
    known = [source for source in timeline.sources() if request.member.may(source.permission)]
    requested = [name for name in request.GET.getlist("types") if name in {source.type for source in known}]
    page = timeline.page_of(
        customer, may=request.member.may, types=requested, cursor=request.GET.get("after", ""), size=ROWS
    )
    return {"items": page.items, "next_cursor": page.next_cursor, "sources": known, "types": requested}


def _survivor(request: Request, pk: UUID) -> UUID | None:
    """The customer that a merged one was merged into, if within reach."""
    into = Customer.objects.filter(pk=pk).values_list("merged_into_id", flat=True).first()
    if into and Customer.objects.visible_to(request.member).filter(pk=into).exists():
        return into
    return None
