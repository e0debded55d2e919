"""Identities: an address has one owner in an organization, also when many first messages arrive at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import Member, Organization
from core import phones
from core.refused import Invalid, Refused
from customers.models import Customer, Identity

# Short codes have 3 to 8 digits; alphanumeric sender ids up to 11 characters (GSM 03.40, 9.1.2.5).
SENDER_ID = re.compile(r"\+?\d{3,8}|[\w .&-]{1,11}")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked: what is written to, and what is compared."""

    kind: Identity.Kind
    value: str
    match_key: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one address in an organization: its kind, and the form that is compared."""
        return self.kind, self.match_key


class InvalidAddress(Invalid):
    """Not a phone number or e-mail address; `field` is `phone` or `email`."""


class IdentityTaken(Refused):
    """The address belongs to another customer of the organization."""

    status, code = 409, "duplicate"

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.customer = identity.customer
        self.field = "email" if identity.kind == Identity.Kind.EMAIL else "phone"
        deleted = ", who was deleted and can be restored" if self.customer.is_deleted else ""
        super().__init__(f"{identity.value} belongs to {self.customer.name} ({self.customer.code}){deleted}.")

    def words_for(self, member: Member | None) -> str:
        """The refusal with the owner's name for those who may see them; else with the code only."""
        if self.record_for(member) is not None:
            return str(self)
        return f"{self.identity.value} belongs to a customer who is not yours to see ({self.customer.code})."

    def record_for(self, member: Member | None) -> UUID | None:
        if member is None:
            return None
        rows = Customer.objects.within_reach_of(member).filter(pk=self.customer.pk)
        return self.customer.pk if rows.exists() else None


def phone(text: str, *, organization: Organization | None = None) -> Address:
    """A phone number as people write it. Raises InvalidAddress."""
    try:
        value = phones.parse(text, country=organization.default_country if organization else "")
    except phones.InvalidPhone as error:
        raise InvalidAddress("phone", str(error)) from error
    return Address(Identity.Kind.PHONE, value, phones.match_key(value))


def phone_or_sender_id(text: str, *, organization: Organization) -> Address:
    """What a message came from: a number, or the short code or name that networks let businesses send under.

    Raises InvalidAddress for what is neither.
    """
    try:
        return phone(text, organization=organization)
    except InvalidAddress:
        if SENDER_ID.fullmatch(text):
            return Address(Identity.Kind.PHONE, text, text.casefold())
        raise


def email(text: str) -> Address:
    """An e-mail address; compared without case. Raises InvalidAddress."""
    value = text.strip()
    try:
        validate_email(value)
    except ValidationError as error:
        raise InvalidAddress("email", f"“{value[:80]}” is not an e-mail address.") from error
    return Address(Identity.Kind.EMAIL, value, value.casefold())


def whatsapp_user(user_id: str) -> Address:
    """WhatsApp's own id of a person, for those without a phone number in view."""
    return Address(Identity.Kind.WHATSAPP_USER, user_id, user_id)


def find(*, organization: Organization, addresses: Sequence[Address]) -> Identity | None:
    """The identity that one of these addresses is, the first listed first."""
    known = find_all(organization=organization, addresses=addresses)
    return next((known[address.key] for address in addresses if address.key in known), None)


def find_all(*, organization: Organization, addresses: Sequence[Address]) -> dict[tuple[str, str], Identity]:
    """Those of these addresses that are somebody's, by `Address.key`, with their customers; in one statement."""
    rows = rows_of(organization=organization, addresses=addresses)
    return {(row.kind, row.match_key): row for row in rows.select_related("customer__stage", "customer__organization")}


def rows_of(*, organization: Organization, addresses: Sequence[Address]) -> QuerySet[Identity]:
    """The identities with these addresses."""
    condition = Q(pk__in=[])
    for address in addresses:
        condition |= Q(kind=address.kind, match_key=address.match_key)
    rows: QuerySet[Identity] = Identity.objects.filter(condition, organization=organization)
    return rows


def require_free(*, organization: Organization, address: Address, customer: Customer | None = None) -> None:
    """Raises IdentityTaken when the address is another customer's."""
    result = find(organization=organization, addresses=[address])
    if result is not None and (customer is None or result.customer_id != customer.pk):
        raise IdentityTaken(result)


@transaction.atomic
def attach(*, customer: Customer, address: Address, is_primary: bool = False) -> Identity:
    """Make the address this customer's. Raises IdentityTaken, also when somebody else was quicker by a moment."""
    try:
        with transaction.atomic():
            identity, _ = Identity.objects.get_or_create(
                organization=customer.organization,
                customer=customer,
                kind=address.kind,
                match_key=address.match_key,
                defaults={"value": address.value},
            )
    except IntegrityError as error:
        result = find(organization=customer.organization, addresses=[address])
        if result is None:
            raise
        raise IdentityTaken(result) from error
    if is_primary:
        Identity.objects.filter(customer=customer, kind=address.kind).exclude(pk=identity.pk).update(is_primary=False)
        Identity.objects.filter(pk=identity.pk).update(is_primary=True, value=address.value)
        identity.is_primary, identity.value = True, address.value
    return identity
