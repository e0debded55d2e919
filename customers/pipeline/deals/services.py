"""Creating, changing, closing and deleting deals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from customers import events
from customers.models import Customer, CustomField, Deal, Stage
from customers.people import locking
from customers.people.changes import set_fields
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.settings import services as customer_settings

SETTABLE = frozenset(
    {"title", "amount", "currency", "status", "stage", "probability", "expected_close_on", "closed_at", "owner",
     "lost_reason", "custom_fields"}
)  # fmt: skip
ENTITY = CustomField.Entity.DEAL
_CURRENCY = re.compile(r"[A-Z]{3}")


class InvalidDeal(Invalid):
    """A value that a deal can’t have."""


@transaction.atomic
def create(*, customer: Customer, actor: Actor, title: str, **fields: object) -> Deal:
    """A new deal, in the organization's currency and at the customer's stage unless others are given.

    Raises InvalidDeal, InvalidValue, UnknownOwner or CustomerMissing.
    """
    locked = locking.lock_customer(customer)
    deal = Deal(organization=customer.organization, customer=customer, currency=customer.organization.currency)
    values = custom_fields.clean(ENTITY, cast("Mapping[str, object]", fields.pop("custom_fields", {})))
    staged = _staged(deal, _checked(deal, _agreed(deal, {"title": title, **fields})), locked)
    set_fields(deal, staged | {"custom_fields": values}, settable=SETTABLE)
    customers.touch(customer=customer, at=deal.created_at)
    refresh_value(locked)
    record(events.DEAL_CREATED, subject=deal, actor=actor, payload={"title": deal.title, **_worth(deal)})
    if deal.status != Deal.Status.OPEN:
        _record_outcome(deal, actor)
        _take_along(deal, locked, actor)
    return deal


@transaction.atomic
def update(*, deal: Deal, actor: Actor, changes: Mapping[str, object], moves_customer: bool = True) -> Deal:
    """Set fields; `won` and `lost` close it, `open` opens it again; so does moving it to a stage of that kind.

    A deal that is closed moves its customer where the organization wants that, unless told not to. Raises InvalidDeal,
    InvalidValue, UnknownOwner or CustomerMissing.
    """
    locked = locking.lock_customer(deal.customer)
    rows = Deal.objects.select_for_update(of=("self",)).select_related("customer__organization", "stage", "owner")
    current = rows.get(pk=deal.pk)
    was = current.status
    values = _staged(current, _checked(current, _agreed(current, changes)), locked)
    if "custom_fields" in values:
        values["custom_fields"] = custom_fields.clean(ENTITY, values["custom_fields"], existing=current.custom_fields)
    changed = set_fields(current, values, settable=SETTABLE)
    if changed:
        customers.touch(customer=current.customer, at=current.updated_at)
        refresh_value(locked)
        record(events.DEAL_UPDATED, subject=current, actor=actor, payload={"title": current.title, "changes": changed})
    if current.status not in (was, Deal.Status.OPEN):
        _record_outcome(current, actor)
        if moves_customer:
            _take_along(current, locked, actor)
    return current


@transaction.atomic
def delete(*, deal: Deal, actor: Actor) -> None:
    """Take a deal away; nothing happens where somebody else just did."""
    rows = Customer.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    customer = rows.get(pk=deal.customer_id)
    if not Deal.objects.filter(pk=deal.pk).exists():
        return
    record(events.DEAL_DELETED, subject=deal, actor=actor, payload={"title": deal.title, **_worth(deal)})
    deal.delete()
    refresh_value(customer)


def refresh_value(*held: Customer) -> None:
    """Write the sum of the open deals of these customers, in the organization's currency.

    Call it with the customers locked: the sum is what the next reader sees.
    """
    for customer in held:
        rows = Deal.objects.filter(customer=customer, status=Deal.Status.OPEN, currency=customer.organization.currency)
        total = rows.aggregate(total=Sum("amount"))["total"] or 0
        Customer.objects.filter(pk=customer.pk).exclude(open_value=total).update(open_value=total)


def _agreed(deal: Deal, changes: Mapping[str, object]) -> dict[str, Any]:
    """Keep status and stage in step: where one is given, the other follows.

    Raises InvalidDeal where both are given and don't agree.
    """
    agreed = dict(changes)
    stage = cast("Stage | None", agreed.get("stage"))
    if stage is None:
        return agreed
    if agreed.get("status", stage.kind) != stage.kind and agreed["status"] != deal.status:
        raise InvalidDeal("stage", f"“{stage.name}” is for {stage.kind} deals: leave the stage or the status out.")
    if agreed.get("status", deal.status) == stage.kind:
        return agreed
    if stage.pk != deal.stage_id:
        agreed["status"] = stage.kind
    else:
        # The stage is unchanged, as a form repeats it: the status was changed.
        agreed.pop("stage")
    return agreed


def _staged(deal: Deal, values: dict[str, Any], customer: Customer) -> dict[str, Any]:
    """A stage of the kind that the status says: the one that it is in, else the customer's, else the first."""
    status = values.get("status", deal.status)
    stage = values.get("stage") or deal.stage
    if stage is not None and stage.kind == status:
        return values | {"stage": stage}
    if customer.stage.kind == status:
        return values | {"stage": customer.stage}
    rows = Stage.objects.filter(organization=customer.organization, kind=status)
    return values | {"stage": rows.order_by("position", "key").first()}


def _take_along(deal: Deal, customer: Customer, actor: Actor) -> None:
    """A closed deal moves its customer where the organization says so; a lost one where it was the last open.

    Who has won (or is lost) already stays: a second deal that is won takes nobody back.
    """
    decided = customer_settings.of(customer.organization)
    stage = decided.won_deal_stage if deal.status == Deal.Status.WON else decided.lost_deal_stage
    if stage is None or customer.stage.kind == deal.status:
        return
    others = Deal.objects.filter(customer=customer).exclude(pk=deal.pk)
    if deal.status == Deal.Status.LOST and others.exclude(status=Deal.Status.LOST).exists():
        return
    reason = deal.lost_reason or f"Deal “{deal.title}” {deal.status}"
    stage_moves.move(customer=customer, stage=stage, actor=actor, reason=reason)


def _checked(deal: Deal, changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    if checked.get("probability") is not None and not 0 <= checked["probability"] <= 100:
        raise InvalidDeal("probability", "0 to 100 per cent, or none: then it is that of the stage.")
    if "currency" in checked and not _CURRENCY.fullmatch(checked["currency"]):
        raise InvalidDeal("currency", "Three capital letters are needed, such as GBP (ISO 4217).")
    if checked.get("owner") is not None:
        customers.require_member(organization=deal.organization, user=checked["owner"])
    status = checked.get("status", deal.status)
    closed_at = checked.get("closed_at", deal.closed_at)
    if status == Deal.Status.OPEN:
        if checked.get("closed_at"):
            raise InvalidDeal("closed_at", "An open deal was not closed: set the status to won or lost.")
        checked["closed_at"] = None
    elif closed_at is None:
        checked["closed_at"] = timezone.now()
    return checked


def _worth(deal: Deal) -> dict[str, str]:
    return {"amount": str(deal.amount), "currency": deal.currency}


def _record_outcome(deal: Deal, actor: Actor) -> None:
    event = events.DEAL_WON if deal.status == Deal.Status.WON else events.DEAL_LOST
    record(event, subject=deal, actor=actor, payload={"title": deal.title, **_worth(deal), "reason": deal.lost_reason})
