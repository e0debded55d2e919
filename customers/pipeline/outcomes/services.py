"""Recording and correcting outcomes, their types, and the stage moves that they cause."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid, Refused
from customers import events
from customers.days import CLOCK_TOLERANCE
from customers.models import Customer, Outcome, OutcomeType, Stage
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.tags.services import COLORS

SETTABLE = frozenset({"type", "amount", "currency", "occurred_at", "note"})
TYPE_SETTABLE = frozenset({"name", "color", "stage", "is_converting", "has_amount", "position"})
MAX_TYPES = 50
MAX_NAME_LENGTH, MAX_KEY_LENGTH = 80, 40
LARGEST_AMOUNT = Decimal(10) ** 12
_CURRENCY = re.compile(r"[A-Z]{3}")
# Columns with the values that they are set to.
Values = dict[str, Any]


class InvalidOutcome(Invalid):
    """A value that an outcome, or a type of them, can’t have."""


class TypeInUse(Refused):
    """Outcomes of this type were recorded, so the type can't be deleted."""

    status, code = 409, "in_use"

    def __init__(self, outcome_type: OutcomeType, count: int) -> None:
        super().__init__(f"“{outcome_type.name}” was recorded {count} time{'s' if count > 1 else ''}: it stays.")


def find_type(*, organization: Organization, key: str) -> OutcomeType:
    """The organization's type with this key. Raises InvalidOutcome that lists those it has."""
    types = list(OutcomeType.objects.filter(organization=organization).select_related("stage"))
    for outcome_type in types:
        if outcome_type.key == key:
            return outcome_type
    known = ", ".join(outcome_type.key for outcome_type in types) or "none are defined"
    raise InvalidOutcome("type", f"“{key[:40]}” is not a type of outcome. Use one of: {known}.")


@transaction.atomic
def record_outcome(
    *,
    customer: Customer,
    actor: Actor,
    type: OutcomeType,  # noqa: A002 - the contract's name
    amount: Decimal | None = None,
    currency: str = "",
    occurred_at: datetime | None = None,
    note: str = "",
) -> Outcome:
    """Record a result, in the organization's currency unless one is given; its type may move the customer.

    It moves them forward only: who stands further on already stays there. To a lost stage it moves from any open one,
    and out of a lost one anywhere. Raises InvalidOutcome or CustomerMissing.
    """
    locked = locking.lock_customer(customer)
    now = timezone.now()
    outcome = Outcome(
        organization=locked.organization, customer=locked, type=type, author_id=actor.user_id, author_label=actor.label,
        created_at=now, updated_at=now,
    )  # fmt: skip
    values = {
        "amount": amount, "currency": currency or locked.organization.currency, "note": note,
        "occurred_at": occurred_at or now,
    }  # fmt: skip
    set_fields(outcome, _checked(values) | {"type": type}, settable=SETTABLE)
    customers.touch(customer=locked, at=min(outcome.occurred_at, now))
    record(events.OUTCOME_RECORDED, subject=outcome, actor=actor, payload=_payload(outcome))
    target = _target(locked, type)
    if target is not None:
        stage_moves.move(customer=customer, stage=target, actor=actor, reason=note or type.name)
    return outcome


@transaction.atomic
def update(*, outcome: Outcome, actor: Actor, changes: Mapping[str, object]) -> Outcome:
    """Correct a result; it moves nobody. Raises InvalidOutcome or CustomerMissing."""
    locking.lock_customer(outcome.customer)
    rows = Outcome.objects.select_for_update(of=("self",)).select_related("type", "customer", "organization")
    current = rows.get(pk=outcome.pk)
    changed = set_fields(current, _checked(dict(changes)), settable=SETTABLE)
    if changed:
        payload = {"type": current.type.key, "changes": changed}
        record(events.OUTCOME_CHANGED, subject=current, actor=actor, payload=payload)
    return current


@transaction.atomic
def delete(*, outcome: Outcome, actor: Actor) -> None:
    """Take a result away, as if it had not been; where the customer was moved by it they stay.

    Nothing happens where somebody else just did.
    """
    if Outcome.objects.select_for_update(of=("self",)).filter(pk=outcome.pk).first() is None:
        return
    record(events.OUTCOME_DELETED, subject=outcome, actor=actor, payload=_payload(outcome))
    outcome.delete()


@transaction.atomic
def create_type(*, organization: Organization, actor: Actor, name: str, key: str = "", **fields: object) -> OutcomeType:
    """A new kind of result, after the others. Raises InvalidOutcome; ValueError for a field that is not settable."""
    present = list(OutcomeType.objects.select_for_update(of=("self",)).filter(organization=organization))
    if len(present) >= MAX_TYPES:
        raise InvalidOutcome("name", f"At most {MAX_TYPES} types.")
    values = _checked_type({"position": len(present), **fields, "name": name})
    type_key = key or slugify(values["name"]).replace("-", "_")[:MAX_KEY_LENGTH] or "outcome"
    if len(type_key) > MAX_KEY_LENGTH or slugify(type_key).replace("-", "_") != type_key.replace("-", "_"):
        raise InvalidOutcome("key", f"Small letters, digits, _ or -; at most {MAX_KEY_LENGTH}.")
    outcome_type = OutcomeType(organization=organization, key=type_key, **values)
    try:
        with transaction.atomic():
            outcome_type.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidOutcome("key", f"There is a type “{type_key}” already.") from error
    record(
        events.OUTCOME_TYPE_CREATED,
        subject=outcome_type,
        actor=actor,
        payload={"key": type_key, "name": outcome_type.name},
    )
    return outcome_type


@transaction.atomic
def update_type(*, outcome_type: OutcomeType, actor: Actor, changes: Mapping[str, object]) -> OutcomeType:
    """Set fields; the key is for good. What was recorded moves nobody anew. Raises InvalidOutcome."""
    current = (
        OutcomeType.objects.select_for_update(of=("self",))
        .select_related("stage", "organization")
        .get(pk=outcome_type.pk)
    )
    before = {name: getattr(current, name) for name in TYPE_SETTABLE}
    for name, value in _checked_type(dict(changes)).items():
        setattr(current, name, value)
    current.save()
    changed = {
        name: {"from": _plain(before[name]), "to": _plain(getattr(current, name))}
        for name in sorted(TYPE_SETTABLE)
        if before[name] != getattr(current, name)
    }
    if changed:
        record(
            events.OUTCOME_TYPE_CHANGED, subject=current, actor=actor, payload={"key": current.key, "changes": changed}
        )
    return current


@transaction.atomic
def reorder_types(*, organization: Organization, actor: Actor, ids: Sequence[UUID | str]) -> None:
    """Put the types in this order; every type has to be named once. Raises InvalidOutcome."""
    rows = OutcomeType.objects.select_for_update(of=("self",)).filter(organization=organization).order_by("pk")
    known = {str(outcome_type.pk): outcome_type for outcome_type in rows}
    order = [str(one) for one in ids]
    if sorted(order) != sorted(known):
        raise InvalidOutcome("order", "The outcomes were changed meanwhile. Load the page again.")
    moved = [(place, known[one]) for place, one in enumerate(order) if known[one].position != place]
    for place, outcome_type in moved:
        OutcomeType.objects.filter(pk=outcome_type.pk).update(position=place)
    if moved:
        payload = {"key": moved[0][1].key, "order": [known[one].key for one in order]}
        record(events.OUTCOME_TYPE_CHANGED, subject=moved[0][1], actor=actor, payload=payload)


@transaction.atomic
def delete_type(*, outcome_type: OutcomeType, actor: Actor) -> None:
    """Take a type away that was never recorded. Raises TypeInUse."""
    count = Outcome.objects.filter(type=outcome_type).count()
    if count:
        raise TypeInUse(outcome_type, count)
    record(
        events.OUTCOME_TYPE_DELETED,
        subject=outcome_type,
        actor=actor,
        payload={"key": outcome_type.key, "name": outcome_type.name},
    )
    try:
        with transaction.atomic():
            outcome_type.delete()
    except ProtectedError as error:
        raise TypeInUse(outcome_type, 1) from error


def _target(customer: Customer, outcome_type: OutcomeType) -> Stage | None:
    stage, present = outcome_type.stage, customer.stage
    if stage is None or stage.pk == present.pk:
        return None
    if present.kind == Stage.Kind.LOST:
        return stage
    if stage.kind == Stage.Kind.LOST:
        return stage if present.kind == Stage.Kind.OPEN else None
    return stage if stage.position > present.position else None


def _checked(values: Values) -> Values:
    checked = dict(values)
    amount = checked.get("amount")
    if amount is not None and not 0 <= amount < LARGEST_AMOUNT:
        raise InvalidOutcome("amount", "An amount of 0 or more.")
    if "currency" in checked and not _CURRENCY.fullmatch(checked["currency"]):
        raise InvalidOutcome("currency", "Three capital letters are needed, such as GBP (ISO 4217).")
    if checked.get("occurred_at") is not None and checked["occurred_at"] > timezone.now() + CLOCK_TOLERANCE:
        raise InvalidOutcome("occurred_at", "A result has happened. For what is to come make a task or a deal.")
    return checked


def _checked_type(values: Values) -> Values:
    unknown = set(values) - TYPE_SETTABLE
    if unknown:
        raise InvalidOutcome(min(unknown), "This can’t be changed.")
    checked = dict(values)
    if "name" in checked:
        checked["name"] = " ".join(str(checked["name"]).split())
        if not 0 < len(checked["name"]) <= MAX_NAME_LENGTH:
            raise InvalidOutcome("name", f"A name of 1 to {MAX_NAME_LENGTH} characters is needed.")
    if "color" in checked and checked["color"] not in COLORS:
        raise InvalidOutcome("color", f"Use one of {', '.join(COLORS)}.")
    return checked


def _payload(outcome: Outcome) -> dict[str, object]:
    amount = None if outcome.amount is None else str(outcome.amount)
    return {
        "type": outcome.type.key,
        "amount": amount,
        "currency": outcome.currency,
        "occurred_at": outcome.occurred_at,
    }


def _plain(value: object) -> object:
    return value.key if isinstance(value, Stage) else value
