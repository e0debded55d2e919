"""A new customer, and what the pages of one have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from customers.models import Customer, CustomField, Stage
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers.forms import OWN, CustomerForm
from customers.people.customers.queries import possible_owners
from customers.people.identities import services as identities


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
    return render(request, "customers/new.html", {"form": form}, status=422 if form.errors else 200)


def _create(request: Request, form: CustomerForm, own_fields: Mapping[str, object]) -> Customer | None:
    """The customer, or none and what was refused at its field."""
    fields = {name: value for name, value in form.cleaned_data.items() if not name.startswith(OWN)}
    try:
        return customers.create(
            organization=request.organization,
            actor=current_actor(),
            assigned_to=request.member.user,
            own_fields=own_fields,
            **fields,
        )
    except (identities.InvalidAddress, identities.IdentityTaken) as error:
        form.add_error(error.field, identities.refusal(error, request.member))
    except custom_fields.InvalidValue as error:
        form.add_error(f"{OWN}{error.key}", str(error))
    return None


def find_visible(request: Request, pk: UUID) -> Customer:
    """The customer, if within the member's reach. Raises Http404, whoever's it is."""
    rows = Customer.objects.visible_to(request.member).select_related("organization", "stage", "assigned_to")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such customer, or it is not yours to see.")
    return found


def field_context(request: Request, customer: Customer) -> dict[str, Any]:
    """What the fields that are edited in place need."""
    return {
        "customer": customer,
        "stages": Stage.objects.all(),
        "owners": possible_owners(),
        "can_edit_customer": request.member.may("customers.edit"),
    }
