"""`/contacts`, and `/customers/{id}/contacts`: the people around a customer."""

from __future__ import annotations

from django.db.models import QuerySet

from activity.actor import current_actor
from core.api.strict import Body
from customers.models import Contact
from customers.people.contacts import services as contacts
from customers.people.contacts.serializers import ContactParameters, ContactSerializer
from customers.people.records_api import RecordViewSet


class ContactViewSet(RecordViewSet[Contact]):
    # What one wrote about an assigned customer one may take away: deleting needs no right of its own.
    permissions = {
        "list": "customers.view", "create": "customers.create", "retrieve": "customers.view",
        "update": "customers.edit", "partial_update": "customers.edit", "destroy": "customers.edit",
    }  # fmt: skip
    serializer_class = ContactSerializer
    list_parameters = ContactParameters
    lookups = {"customer": "customer", "relationship": "relationship", "q": "name__icontains"}
    empty = {"relationship": "", "email": "", "phone": "", "birth_date": None}
    schema_name, schema_tags = "contacts", ["contacts"]

    def get_queryset(self) -> QuerySet[Contact]:
        return Contact.objects.visible_to(self.member)

    def perform_create(self, data: Body) -> Contact:
        return contacts.create(actor=current_actor(), **data)

    def perform_update(self, instance: Contact, changes: Body) -> Contact:
        return contacts.update(contact=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Contact) -> None:
        contacts.delete(contact=instance, actor=current_actor())
