"""Creating, changing and assigning customers, and finding them by address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Member, Organization, User
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.models import Customer, CustomField, Identity, Process, Stage
from customers.people import codes, locking
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import stage_moves
from customers.people.fields import Kind, of_kind
from customers.people.identities import addresses as address_service
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from customers.people.keys import KEYS, set_keys
from customers.people.tags import services as tag_service

# Fields whose value is set as it is given; owner, stage, tags, follow-up and addresses have calls of their own.
PLAIN = frozenset({Kind.NAME, Kind.LINE, Kind.TEXT, Kind.CHOICE, Kind.SOURCE, Kind.ADDRESS, Kind.OPT_OUT})
OWN = CustomField.Entity.CUSTOMER


class UnknownOwner(Refused):
    """The organization has no active member with this id."""

    field = "assigned_to"

    def __init__(self) -> None:
        super().__init__("There is no active member with this id in the organization.")


@transaction.atomic
def create(
    *,
    organization: Organization,
    actor: Actor,
    name: str,
    phone: str = "",
    email: str = "",
    stage: Stage | None = None,
    assigned_to: User | None = None,
    tags: Sequence[str] = (),
    next_follow_up_at: datetime | None = None,
    allow_duplicate: bool = False,
    own_fields: Mapping[str, object] | None = None,
    **fields: object,
) -> Customer:
    """A new customer with the next code, at the first stage unless one is given; `own_fields` are the custom ones.

    `fields` are of PLAIN kinds; ValueError for another. Raises InvalidAddress for a phone or e-mail that is none,
    IdentityTaken for one that is another customer's, and InvalidValue for a custom field. With `allow_duplicate` an
    address that is taken is written on the new customer but stays the first one's identity.
    """
    _require_plain(fields)
    fields["custom_fields"] = custom_fields.clean(OWN, own_fields or {})
    parsed = address_service.parse(organization, phone=phone, email=email)
    if not allow_duplicate:
        for address in parsed:
            identities.require_free(organization=organization, address=address)
    customer = _insert(
        organization=organization, actor=actor, name=name, stage=stage, assigned_to=assigned_to, **fields
    )
    for address in parsed:
        address_service.give(customer, address, allow_duplicate=allow_duplicate)
    customer.next_follow_up_at = next_follow_up_at
    save_keys(customer, addresses=[address.value for address in parsed])
    _record_created(customer, actor)
    if tags:
        tag_service.add(customer=customer, names=tags, actor=actor)
    return customer


@transaction.atomic(savepoint=False)
def find_or_make(
    *,
    organization: Organization,
    addresses: Sequence[Address],
    name: str,
    source: str,
    actor: Actor,
    assigned_to: User | None = None,
    campaign: str = "",
) -> tuple[Customer, bool]:
    """The customer with one of these addresses, or a new lead; True where it was made now.

    The customer is locked until the transaction ends, also a deleted one: they wrote, and come back. Safe when many
    first messages arrive at once: the identity's unique key lets one win, and the others find its customer. Three
    statements for a customer who is known by all of the addresses.
    """
    while True:
        # Of the customer only where they stand: the rest is read with the lock, which needs the row as it is then.
        rows = identities.rows_of(organization=organization, addresses=addresses).select_related("customer__stage")
        known = {(row.kind, row.match_key): row for row in rows.only("kind", "match_key", "customer__stage")}
        identity = next((known[address.key] for address in addresses if address.key in known), None)
        if identity is None:
            try:
                with transaction.atomic():
                    return _make_lead(organization, addresses, name, source, actor, assigned_to, campaign), True
            except identities.IdentityTaken:
                continue  # somebody else was quicker by a moment: theirs is found
        customer = lock(identity.customer, organization=organization)
        # Merged at this moment, or two again, and the identity went along; or erased, and it is free: look once more.
        if customer is not None and Identity.objects.filter(pk=identity.pk, customer=customer).exists():
            break
    for address in addresses:
        # A second address of somebody known, such as the WhatsApp user id beside the phone, unless it is another's.
        if address.key not in known:
            address_service.give(customer, address, allow_duplicate=True)
    return customer, False


def lock(customer: Customer, *, organization: Organization) -> Customer | None:
    """Lock the present row until the transaction ends; None where it was merged or erased meanwhile.

    A deleted one is locked too. The stage that is joined to `customer` is reused where it is still theirs.
    """
    rows = Customer.objects.select_for_update(of=("self",), no_key=True)
    current: Customer | None = rows.filter(pk=customer.pk, merged_into__isnull=True, erased_at__isnull=True).first()
    if current is not None:
        current.organization = organization
        if current.stage_id == customer.stage_id:
            current.stage = customer.stage
    return current


@transaction.atomic
def update(*, customer: Customer, actor: Actor, changes: dict[str, Any]) -> Customer:
    """Set fields of a customer and record what changed, from and to.

    Takes fields of PLAIN kinds, `phone`, `email` and `custom_fields` (those given; null takes one away). Raises
    InvalidAddress, IdentityTaken, InvalidValue, CustomerMissing, or ValueError for another field.
    """
    _require_plain(changes.keys() - {"phone", "email", "custom_fields"})
    current = locking.lock_customer(customer)
    before = {field: getattr(current, field) for field in changes}
    for field in ("phone", "email"):
        if field in changes:
            address_service.replace(current, field, changes[field])
    if "custom_fields" in changes:
        current.custom_fields = custom_fields.clean(OWN, changes["custom_fields"], existing=current.custom_fields)
    for field in changes.keys() - {"phone", "email", "custom_fields"}:
        setattr(current, field, changes[field])
    changed = {f: {"from": before[f], "to": getattr(current, f)} for f in changes if before[f] != getattr(current, f)}
    if changed:
        current.updated_at = timezone.now()
        save_keys(current)
        record(events.CUSTOMER_UPDATED, subject=current, actor=actor, payload={"changes": changed})
    for field in [*changes, "updated_at", *KEYS]:
        setattr(customer, field, getattr(current, field))
    return customer


@transaction.atomic
def assign(*, customer: Customer, owner: User | None, actor: Actor) -> bool:
    """Give a customer an owner, or none; False where that is so already.

    Raises UnknownOwner for no active member, and CustomerMissing.
    """
    if owner is not None:
        require_member(organization=customer.organization, user=owner)
    current = locking.lock_customer(customer)
    if current.assigned_to_id == (owner.pk if owner else None):
        return False
    now = timezone.now()
    Customer.objects.filter(pk=customer.pk).update(assigned_to=owner, updated_at=now)
    payload = {"from": current.assigned_to_id, "to": owner.pk if owner else None}
    record(events.CUSTOMER_ASSIGNED, subject=customer, actor=actor, payload=payload)
    customer.assigned_to, customer.updated_at = owner, now
    return True


@transaction.atomic
def set_follow_up(*, customer: Customer, at: datetime | None, actor: Actor) -> None:
    """Set the one next follow-up; None clears it. Raises CustomerMissing."""
    before, now = locking.lock_customer(customer).next_follow_up_at, timezone.now()
    customer.next_follow_up_at = at
    if before == at:
        return
    Customer.objects.filter(pk=customer.pk).update(next_follow_up_at=at, updated_at=now)
    # The follow-up process that is under way goes by it: there is one next follow-up.
    Process.objects.filter(customer=customer, kind=Process.Kind.FOLLOW_UP, status=Process.Status.ACTIVE).update(
        next_follow_up_at=at, updated_at=now
    )
    record(events.FOLLOW_UP_SET, subject=customer, actor=actor, payload={"from": before, "to": at})
    customer.updated_at = now


def _require_plain(names: Iterable[str]) -> None:
    if unknown := set(names) - {field.name for field in of_kind(*PLAIN) if field.is_writable}:
        raise ValueError(f"Not fields that can be set: {', '.join(sorted(unknown))}.")


def require_member(*, organization: Organization, user: User) -> None:
    """Raises UnknownOwner for somebody who is no active member."""
    if not Member.objects.active().filter(organization=organization, user=user).exists():
        raise UnknownOwner


def touch(*, customer: Customer, at: datetime) -> None:
    """Set the time of the latest activity."""
    Customer.objects.filter(pk=customer.pk, last_activity_at__lt=at).update(last_activity_at=at)


def _make_lead(
    organization: Organization,
    addresses: Sequence[Address],
    name: str,
    source: str,
    actor: Actor,
    owner: User | None,
    campaign: str,
) -> Customer:
    customer = _insert(
        organization=organization, actor=actor, name=name, source=source, campaign=campaign[:200], assigned_to=owner
    )
    for address in addresses:
        address_service.give(customer, address, allow_duplicate=False)
    save_keys(customer, addresses=[address.value for address in addresses])
    _record_created(customer, actor)
    return customer


def _insert(
    *, organization: Organization, actor: Actor, name: str, stage: Stage | None = None, **fields: Any
) -> Customer:
    owner: User | None = fields.get("assigned_to")
    if owner is not None:
        require_member(organization=organization, user=owner)
    code = codes.next_code(organization=organization)
    first = stage or Stage.objects.filter(organization=organization).order_by("position").first()
    if first is None:
        raise stage_moves.UnknownStage("The organization has no pipeline stages.")
    now = timezone.now()
    return Customer.objects.create(
        organization=organization,
        code=code,
        name=name,
        stage=first,
        created_by_id=actor.user_id,
        created_at=now,
        updated_at=now,
        last_activity_at=now,
        **fields,
    )


def save_keys(customer: Customer, *, addresses: Iterable[str] | None = None) -> None:
    """Write the customer with the columns that are made of others; `addresses` are all of theirs, where known."""
    if addresses is None:
        addresses = Identity.objects.filter(customer=customer).values_list("value", flat=True)
    set_keys(customer, addresses=addresses)
    customer.save()


def _record_created(customer: Customer, actor: Actor) -> None:
    payload = {"code": customer.code, "source": customer.source, "stage": customer.stage.key}
    record(events.CUSTOMER_CREATED, subject=customer, actor=actor, payload=payload)
