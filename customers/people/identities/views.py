"""The phones and e-mails of a customer, on their page."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message
from customers.models import Identity
from customers.people.access import find_visible
from customers.people.identities import addresses
from customers.people.identities import services as identities


@requires("customers.edit")
@require_POST
def add(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Another phone or e-mail: what has an @ is an e-mail."""
    customer = find_visible(request, pk)
    text = request.POST.get("value", "").strip()
    with as_message(request):
        is_email = "@" in text
        address = identities.email(text) if is_email else identities.phone(text, organization=request.organization)
        addresses.add(customer=customer, address=address, actor=current_actor())
    return redirect("customers:detail", organization, pk)


@requires("customers.edit")
@require_POST
def remove(request: Request, organization: str, pk: UUID, identity: UUID) -> HttpResponse:
    addresses.remove(identity=_identity(request, pk, identity), actor=current_actor())
    return redirect("customers:detail", organization, pk)


@requires("customers.edit")
@require_POST
def make_primary(request: Request, organization: str, pk: UUID, identity: UUID) -> HttpResponse:
    """Write to this one first."""
    addresses.make_primary(identity=_identity(request, pk, identity), actor=current_actor())
    return redirect("customers:detail", organization, pk)


def _identity(request: Request, pk: UUID, identity: UUID) -> Identity:
    rows = Identity.objects.select_related("customer__organization")
    rows = rows.filter(customer=find_visible(request, pk), pk=identity)
    return first_or_404(rows, "The customer has no such phone or e-mail.")
