"""The page of a new customer."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import on_form
from customers.models import Customer, CustomField
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers.forms import OWN, CustomerForm


@requires("customers.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, organization: str) -> HttpResponse:
    """Add somebody by hand."""
    form = CustomerForm(request.POST or None)
    form.add_own_fields(custom_fields.definitions(CustomField.Entity.CUSTOMER), {})
    if request.method == "POST" and form.is_valid():
        own_fields = form.own_values()
        customer = _create(request, form, own_fields) if form.is_valid() else None
        if customer is not None:
            return redirect("customers:detail", request.organization.slug, customer.pk)
    context = {"form": form, "back": reverse("customers:list", args=[organization])}
    return render(request, "customers/page/customer/new.html", context, status=422 if form.errors else 200)


def _create(request: Request, form: CustomerForm, own_fields: Mapping[str, object]) -> Customer | None:
    """The new customer; None where the service refused, with the error at its field."""
    fields = {name: value for name, value in form.cleaned_data.items() if not name.startswith(OWN)}
    with on_form(request, form):
        return customers.create(
            organization=request.organization,
            actor=current_actor(),
            assigned_to=request.member.user,
            own_fields=own_fields,
            **fields,
        )
    return None
