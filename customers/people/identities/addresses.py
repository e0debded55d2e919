"""A customer's phones and e-mails: the primary one of each kind stands on the customer, all are identities."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.models import Customer, Identity
from customers.people import locking
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from customers.people.keys import KEYS, set_keys

FIELDS = {Identity.Kind.PHONE: "phone", Identity.Kind.EMAIL: "email"}
KINDS = {field: kind for kind, field in FIELDS.items()}
MAX_ADDRESSES = 20


class AddressMissing(Http404):
    """The address was removed meanwhile; answered like `locking.CustomerMissing`."""

    def __init__(self) -> None:
        super().__init__("The customer has no such phone or e-mail any more.")


class TooMany(Refused):
    """The customer has the highest number of addresses."""

    field = "value"

    def __init__(self) -> None:
        super().__init__(f"A customer has {MAX_ADDRESSES} addresses at most.")


def parse(organization: Organization, *, phone: str = "", email: str = "") -> list[Address]:
    """Parse phone and e-mail into addresses. Raises InvalidAddress."""
    results = []
    if phone.strip():
        results.append(identities.phone(phone, organization=organization))
    if email.strip():
        results.append(identities.email(email))
    return results


def give(customer: Customer, address: Address, *, allow_duplicate: bool) -> None:
    """Write an address on the customer and make it theirs; the first of a kind is the primary one."""
    field = FIELDS.get(address.kind, "")
    is_first = bool(field) and not getattr(customer, field)
    if is_first:
        _write(customer, field, address.value)
    try:
        identities.attach(customer=customer, address=address, is_primary=is_first)
    except identities.IdentityTaken:
        if not allow_duplicate:
            raise


def replace(customer: Customer, field: str, text: str) -> None:
    """Another primary phone or e-mail instead of this one; an empty text takes it away, and the next one follows.

    Raises InvalidAddress or IdentityTaken. The customer is not saved.
    """
    kind = KINDS[field]
    parsed = parse(customer.organization, **{field: text})
    Identity.objects.filter(customer=customer, kind=kind, is_primary=True).exclude(
        match_key__in=[address.match_key for address in parsed]
    ).delete()
    setattr(customer, field, "")
    for address in parsed:
        identities.attach(customer=customer, address=address, is_primary=True)
        setattr(customer, field, address.value)
    if not parsed:
        _follow(customer, kind)


@transaction.atomic
def add(*, customer: Customer, address: Address, actor: Actor) -> Identity:
    """Another phone or e-mail; the first of its kind is the primary one.

    Raises IdentityTaken, TooMany or CustomerMissing.
    """
    current = locking.lock_customer(customer)
    if Identity.objects.filter(customer=current).count() >= MAX_ADDRESSES:
        raise TooMany
    give(current, address, allow_duplicate=False)
    _refresh(current)
    _show_on(customer, current)
    row = Identity.objects.get(customer=customer, kind=address.kind, match_key=address.match_key)
    _record(events.IDENTITY_ADDED, row, actor)
    return row


@transaction.atomic
def remove(*, identity: Identity, actor: Actor) -> None:
    """Take an address away; the next of its kind follows as the primary one. Raises CustomerMissing, AddressMissing."""
    customer = locking.lock_customer(identity.customer)
    identity = _current(identity, customer)
    _record(events.IDENTITY_REMOVED, identity, actor)
    identity.delete()
    if identity.is_primary and (field := FIELDS.get(Identity.Kind(identity.kind))):
        setattr(customer, field, "")
        _follow(customer, Identity.Kind(identity.kind))
        _write(customer, field, getattr(customer, field))
    _refresh(customer)


@transaction.atomic
def make_primary(*, identity: Identity, actor: Actor) -> None:
    """Make the address the primary one of its kind. Raises CustomerMissing, AddressMissing."""
    customer, field = locking.lock_customer(identity.customer), FIELDS.get(Identity.Kind(identity.kind), "")
    identity.is_primary = _current(identity, customer).is_primary
    if identity.is_primary or not field:
        return
    before = getattr(customer, field)
    others = Identity.objects.filter(customer=customer, kind=identity.kind)
    others.update(is_primary=False)
    others.filter(pk=identity.pk).update(is_primary=True)
    identity.is_primary = True
    _write(customer, field, identity.value)
    _refresh(customer)
    changes = {field: {"from": before, "to": identity.value}}
    record(events.CUSTOMER_UPDATED, subject=customer, actor=actor, payload={"changes": changes})


def _follow(customer: Customer, kind: Identity.Kind) -> None:
    """The oldest that is left becomes the primary one."""
    oldest = Identity.objects.filter(customer=customer, kind=kind).order_by("created_at", "id").first()
    if oldest is not None:
        Identity.objects.filter(pk=oldest.pk).update(is_primary=True)
        setattr(customer, FIELDS[kind], oldest.value)


def _current(identity: Identity, customer: Customer) -> Identity:
    """The present row, with its customer locked. Raises CustomerMissing or AddressMissing."""
    row = Identity.objects.filter(pk=identity.pk, customer=customer).first()
    if row is None:
        raise AddressMissing
    return row


def _show_on(customer: Customer, current: Customer) -> None:
    for name in (*FIELDS.values(), *KEYS):
        setattr(customer, name, getattr(current, name))


def _refresh(customer: Customer) -> None:
    """Update the search columns, and mark the customer for the duplicate check."""
    set_keys(customer, addresses=Identity.objects.filter(customer=customer).values_list("value", flat=True))
    Customer.objects.filter(pk=customer.pk).update(
        updated_at=timezone.now(), search_text=customer.search_text, is_duplicate_check_due=True
    )


def _write(customer: Customer, field: str, value: str) -> None:
    setattr(customer, field, value)
    Customer.objects.filter(pk=customer.pk).update(**{field: value})


def _record(event: str, identity: Identity, actor: Actor) -> None:
    record(event, subject=identity, actor=actor, payload={"kind": identity.kind, "value": identity.value})
