"""Stages, and moving between them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import Customer, Stage, StageChange
from customers.packs import Pack
from customers.services import presence


class UnknownStage(ValueError):
    """The organization has no such stage; the text lists those it has."""


def create_stages(*, organization: Organization, pack: Pack) -> None:
    """Give a new organization its pack's stages."""
    Stage.objects.bulk_create(
        Stage(organization=organization, position=position, **fields) for position, fields in enumerate(pack.stages)
    )


def find_stage(*, organization: Organization, key: str) -> Stage:
    """The stage with this key. Raises UnknownStage."""
    stages = list(Stage.objects.filter(organization=organization))
    for stage in stages:
        if stage.key == key:
            return stage
    raise UnknownStage(f"“{key}” is not a stage. Use one of: {', '.join(stage.key for stage in stages)}.")


@transaction.atomic
def move(*, customer: Customer, stage: Stage, actor: Actor, reason: str = "") -> bool:
    """Move a customer to a stage and write the history; False, and nothing written, where they stand there already.

    Raises CustomerGone.
    """
    current = presence.hold(customer)
    if current.stage_id == stage.pk:
        return False
    now = timezone.now()
    Customer.objects.filter(pk=customer.pk).update(stage=stage, updated_at=now, last_activity_at=now)
    StageChange.objects.create(
        organization=customer.organization,
        customer=customer,
        from_stage=current.stage,
        to_stage=stage,
        reason=reason,
        actor_kind=actor.kind,
        actor_label=actor.label,
        changed_at=now,
    )
    record(
        events.STAGE_CHANGED,
        subject=customer,
        customer_id=customer.pk,
        actor=actor,
        payload={"from": current.stage.key, "to": stage.key, "reason": reason},
    )
    customer.stage, customer.updated_at, customer.last_activity_at = stage, now, now
    return True
