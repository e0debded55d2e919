"""Contacts of a customer: each a form on a page of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import Contact, Customer, CustomField
from customers.people import confirm
from customers.people.access import find_visible
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.forms import ContactForm

RELATIONSHIPS = ("student", "patient", "parent", "guardian", "partner", "billing", "colleague")


@requires("customers.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_contact(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Somebody tied to the customer."""
    return _contact_form(request, find_visible(request, pk), None)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_contact(request: Request, organization: str, pk: UUID) -> HttpResponse:
    contact = _visible_contact(request, pk)
    lock_rows(request, contact.customer, contact)
    return _contact_form(request, contact.customer, contact)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_contact(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    contact = _visible_contact(request, pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete {contact.name}?",
            consequence=f"The contact is taken off {contact.customer.name} for good; what was said and done stays.",
            back=(reverse("customers:edit_contact", args=[organization, pk]), contact.name),
        )
    contacts.delete(contact=contact, actor=current_actor())
    return redirect("customers:detail", organization, contact.customer_id)


def _contact_form(request: Request, customer: Customer, contact: Contact | None) -> HttpResponse:
    names = ("name", "relationship", "phone", "email", "birth_date")
    initial = {name: getattr(contact, name) for name in names} if contact else None
    form = ContactForm(request.POST or None, initial=initial, record=contact)
    form.add_own_fields(custom_fields.definitions(CustomField.Entity.CONTACT), contact.custom_fields if contact else {})
    if request.method == "POST" and form.is_valid():
        fields = {name: value for name, value in form.changed.items() if name in names}
        if own := form.own_values():
            fields["custom_fields"] = own
        if form.is_valid():
            with on_form(request, form):
                _save_contact(customer, contact, fields)
                return redirect("customers:detail", request.organization.slug, customer.pk)
    context = {"form": form, "customer": customer, "contact": contact, "relationships": RELATIONSHIPS}
    return render(request, "customers/people/contacts/form.html", context, status=422 if form.errors else 200)


def _save_contact(customer: Customer, contact: Contact | None, fields: dict[str, Any]) -> None:
    if contact is None:
        contacts.create(customer=customer, actor=current_actor(), **fields)
    elif fields:
        contacts.update(contact=contact, actor=current_actor(), changes=fields)


def _visible_contact(request: Request, pk: UUID) -> Contact:
    rows = Contact.objects.visible_to(request.member).select_related("customer__organization", "customer__stage")
    return first_or_404(rows.filter(pk=pk), "There is no such record, or it is not yours to see.")
