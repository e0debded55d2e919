"""People tied to a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction

from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Contact, Customer, CustomField
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.identities import services as identities

SETTABLE = frozenset({"name", "relationship", "email", "phone", "birth_date", "custom_fields"})
ENTITY = CustomField.Entity.CONTACT


@transaction.atomic
def create(*, customer: Customer, actor: Actor, name: str, **fields: object) -> Contact:
    """A new contact.

    Raises InvalidAddress for a phone or e-mail that is none, InvalidValue for a custom field, CustomerMissing.
    """
    locking.lock_customer(customer)
    contact = Contact(organization=customer.organization, customer=customer)
    values = custom_fields.clean(ENTITY, cast("Mapping[str, object]", fields.pop("custom_fields", {})))
    set_fields(contact, _checked(contact, {"name": name, **fields}) | {"custom_fields": values}, settable=SETTABLE)
    customers.touch(customer=customer, at=contact.created_at)
    payload = {"name": contact.name, "relationship": contact.relationship}
    record(events.CONTACT_CREATED, subject=contact, actor=actor, payload=payload)
    return contact


@transaction.atomic
def update(*, contact: Contact, actor: Actor, changes: Mapping[str, object]) -> Contact:
    """Set fields. Raises InvalidAddress or InvalidValue."""
    current = (
        Contact.objects.select_for_update(of=("self",)).select_related("customer__organization").get(pk=contact.pk)
    )
    fields = _checked(current, changes)
    if "custom_fields" in fields:
        fields["custom_fields"] = custom_fields.clean(ENTITY, fields["custom_fields"], existing=current.custom_fields)
    changed = set_fields(current, fields, settable=SETTABLE)
    if changed:
        record(events.CONTACT_UPDATED, subject=current, actor=actor, payload={"name": current.name, "changes": changed})
    return current


@transaction.atomic
def delete(*, contact: Contact, actor: Actor) -> None:
    record(events.CONTACT_DELETED, subject=contact, actor=actor, payload={"name": contact.name})
    contact.delete()


def _checked(contact: Contact, changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    if checked.get("phone"):
        checked["phone"] = identities.phone(checked["phone"], organization=contact.organization).value
    if checked.get("email"):
        checked["email"] = identities.email(checked["email"]).value
    return checked
