"""Deals: made, changed, won, lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Customer, CustomField, Deal
from customers.services import custom_fields, customers, presence
from customers.services.fields import set_fields

SETTABLE = frozenset(
    {"title", "amount", "currency", "status", "stage", "expected_close_on", "closed_at", "owner", "lost_reason",
     "custom_fields"}
)  # fmt: skip
ENTITY = CustomField.Entity.DEAL
_CURRENCY = re.compile(r"[A-Z]{3}")


class InvalidDeal(ValueError):
    """`field` names what is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


@transaction.atomic
def create(*, customer: Customer, actor: Actor, title: str, **fields: Any) -> Deal:
    """A new deal, in the organization's currency unless one is given.

    Raises InvalidDeal, InvalidValue, UnknownOwner or CustomerGone.
    """
    presence.hold(customer)
    deal = Deal(organization=customer.organization, customer=customer, currency=customer.organization.currency)
    values = custom_fields.clean(ENTITY, fields.pop("custom_fields", {}))
    set_fields(deal, _checked(deal, {"title": title, **fields}) | {"custom_fields": values}, settable=SETTABLE)
    customers.touch(customer=customer, at=deal.created_at)
    _record(events.DEAL_CREATED, deal, actor, {"title": deal.title, **_worth(deal)})
    if deal.status != Deal.Status.OPEN:
        _record_outcome(deal, actor)
    return deal


@transaction.atomic
def update(*, deal: Deal, actor: Actor, changes: Mapping[str, Any]) -> Deal:
    """Set fields; `won` and `lost` close it, `open` opens it again.

    Raises InvalidDeal, InvalidValue, UnknownOwner or CustomerGone.
    """
    presence.hold(deal.customer)
    rows = Deal.objects.select_for_update(of=("self",)).select_related("customer__organization", "stage", "owner")
    current = rows.get(pk=deal.pk)
    was = current.status
    wanted = _checked(current, changes)
    if "custom_fields" in wanted:
        wanted["custom_fields"] = custom_fields.clean(ENTITY, wanted["custom_fields"], existing=current.custom_fields)
    changed = set_fields(current, wanted, settable=SETTABLE)
    if changed:
        customers.touch(customer=current.customer, at=current.updated_at)
        _record(events.DEAL_UPDATED, current, actor, {"title": current.title, "changes": changed})
    if current.status not in (was, Deal.Status.OPEN):
        _record_outcome(current, actor)
    return current


@transaction.atomic
def delete(*, deal: Deal, actor: Actor) -> None:
    _record(events.DEAL_DELETED, deal, actor, {"title": deal.title, **_worth(deal)})
    deal.delete()


def _checked(deal: Deal, changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
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
    _record(event, deal, actor, {"title": deal.title, **_worth(deal), "reason": deal.lost_reason})


def _record(event: str, deal: Deal, actor: Actor, payload: dict[str, Any]) -> None:
    record(event, subject=deal, customer_id=deal.customer_id, actor=actor, payload=payload)
