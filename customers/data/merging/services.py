"""Merging: all records of one customer move to the other, who stays; it can be reverted for 30 days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from activity.actor import Actor
from activity.audit import amending
from activity.ledger import record
from activity.models import Event
from core.refused import Refused
from customers import events
from customers.data.merging.hooks import before_merge
from customers.models import Change, ChangeSet, Consent, Customer, DuplicatePair, Identity, Stage, StageChange
from customers.people.consent import services as consent
from customers.people.customers.services import save_keys
from customers.people.fields import CUSTOM, FIELDS, CustomerField, Kind, of_kind
from customers.pipeline.deals import services as deals

INTO, FROM = "into", "from"
# Rows of a model that are moved and recorded in one statement.
STEP = 2000
EVENT = Event._meta.label_lower


class CannotMerge(Refused):
    """The two customers can’t be merged; `field` names what is wrong with the request, by default `into`."""

    field = "into"


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of both sides; `chosen` is "into" or "from"."""

    field: str
    label: str
    into: object
    from_: object
    chosen: str

    @property
    def is_equal(self) -> bool:
        return bool(self.into == self.from_)


def choices(*, loser: Customer, survivor: Customer) -> list[Choice]:
    """Every field with both sides' values and a proposal: the survivor's value, unless it is empty."""
    results = [
        Choice(one.name, str(one.label), one.value_of(survivor), one.value_of(loser), _proposed(one, survivor, loser))
        for one in FIELDS
        if one.is_mergeable
    ]
    for key in sorted({*survivor.custom_fields, *loser.custom_fields}):
        into, from_ = survivor.custom_fields.get(key), loser.custom_fields.get(key)
        results.append(Choice(f"{CUSTOM}{key}", key, into, from_, FROM if into is None else INTO))
    return results


def moved_counts(customer: Customer) -> dict[str, int]:
    """How many records of each kind would move, by the model's plural name."""
    counts = {}
    for model, field in relations():
        count = model._base_manager.filter(**{field: customer.pk}).count()
        if count:
            counts[str(model._meta.verbose_name_plural)] = count
    return counts


@transaction.atomic
def merge(*, loser: Customer, survivor: Customer, actor: Actor, chosen: Mapping[str, str] | None = None) -> ChangeSet:
    """Move everything of `loser` to `survivor`, who has both codes from then on.

    `chosen` says for fields whose value stays, "into" (the survivor's) or "from"; the others as `choices` proposes.
    Raises CannotMerge.
    """
    loser, survivor = _locked(loser, survivor)
    sides = _choices(loser, survivor, chosen or {})
    change_set = ChangeSet.objects.create(
        organization=survivor.organization, kind=ChangeSet.Kind.MERGE,
        summary=f"Merged {loser.code} into {survivor.code}"[:200],
        actor_kind=actor.kind, actor_id=actor.id, actor_label=actor.label,
        detail={"loser": str(loser.pk), "survivor": str(survivor.pk)},
    )  # fmt: skip
    refused = consent.refused(customer=loser) | consent.refused(customer=survivor)
    for model, field in relations():
        _move(change_set, model, field, loser, survivor)
    _move_events(change_set, loser, survivor)
    _keep_refused(change_set, survivor, refused, actor)
    added = _unite_tags(loser, survivor)
    before = {name: column_of(survivor, name) for name in sides}
    stage, since = survivor.stage, survivor.stage_since
    _take_over(loser, survivor, sides)
    if survivor.stage_id != stage.pk:
        survivor.stage_since = loser.stage_since
        _record_stage(change_set, survivor, stage, since, actor)
    now = timezone.now()
    codes = [*survivor.former_codes, loser.code, *loser.former_codes]
    survivor.former_codes = list(dict.fromkeys(codes))
    survivor.updated_at = now
    survivor.last_activity_at = max(survivor.last_activity_at, loser.last_activity_at)
    save_keys(survivor)
    Customer.objects.filter(pk=loser.pk).update(merged_into=survivor, deleted_at=now, updated_at=now)
    deals.refresh_value(loser, survivor)
    DuplicatePair.objects.filter(models.Q(first=loser) | models.Q(second=loser)).delete()
    change_set.detail |= {
        "before": before,
        "stage_since": since.isoformat(),
        "after": {name: column_of(survivor, name) for name in sides},
        "tags": [str(pk) for pk in added],
        "codes": [loser.code, *loser.former_codes],
    }
    change_set.save(update_fields=["detail"])
    payload = {"merged": str(loser.pk), "code": loser.code, "change_set": str(change_set.pk)}
    record(events.CUSTOMER_MERGED, subject=survivor, actor=actor, payload=payload)
    return change_set


def relations() -> Iterator[tuple[type[models.Model], str]]:
    """Every model that points to a customer, of any app, with the field; what a merge moves.

    Proposed pairs are made anew, and tags are united.
    """
    through = Customer.tags.through
    for relation in Customer._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel) and relation.related_model not in (DuplicatePair, through):
            yield relation.related_model, relation.field.name


def column_of(customer: Customer, name: str) -> object:
    """A field's value for JSON; of a relation the id."""
    if name.startswith(CUSTOM):
        return customer.custom_fields.get(name.removeprefix(CUSTOM))
    value = getattr(customer, str(Customer._meta.get_field(name).attname))  # type: ignore[union-attr]
    return value.isoformat() if hasattr(value, "isoformat") else str(value) if hasattr(value, "hex") else value


def _locked(loser: Customer, survivor: Customer) -> tuple[Customer, Customer]:
    if loser.pk == survivor.pk:
        raise CannotMerge("A customer can’t be merged into itself.")
    rows = Customer.objects.select_for_update(of=("self",)).select_related("organization")
    # By id: two merges of the same two never wait for one another.
    results = {row.pk: row for row in rows.filter(pk__in=[loser.pk, survivor.pk]).order_by("pk")}
    if len(results) < 2 or any(row.is_deleted or row.erased_at for row in results.values()):
        raise CannotMerge("One of the two was deleted or merged meanwhile.")
    return results[loser.pk], results[survivor.pk]


def _choices(loser: Customer, survivor: Customer, chosen: Mapping[str, str]) -> dict[str, str]:
    sides = {choice.field: choice.chosen for choice in choices(loser=loser, survivor=survivor)}
    for name, side in chosen.items():
        if name not in sides:
            raise CannotMerge(f"“{name[:60]}” is not a field of which a side can be chosen.", field="choose")
        if side not in (INTO, FROM):
            raise CannotMerge(f"{name}: choose “{INTO}” or “{FROM}”.", field="choose")
    # Whoever asked not to be contacted has asked it for the one person that both are: nobody chooses it away.
    return sides | dict(chosen) | {one.name: sides[one.name] for one in of_kind(Kind.OPT_OUT)}


def _proposed(field: CustomerField, survivor: Customer, loser: Customer) -> str:
    if field.kind is Kind.OPT_OUT:
        return FROM if field.value_of(loser) else INTO
    return FROM if field.value_of(survivor) in (None, "", {}) and field.value_of(loser) else INTO


def _move(change_set: ChangeSet, model: type[models.Model], field: str, loser: Customer, survivor: Customer) -> None:
    room = before_merge(model, loser, survivor)
    rows = model._base_manager.filter(**{field: loser.pk})
    extras = ["is_primary"] if model is Identity else sorted({name for values in room.values() for name in values})
    label = model._meta.label_lower
    changes = [
        Change(
            organization=change_set.organization, change_set=change_set, model=label, object_id=str(row["pk"]),
            action="moved", before={"field": field, **{name: row[name] for name in extras}},
        )
        for row in rows.values("pk", *extras)
    ]  # fmt: skip
    for pk, values in room.items():
        model._base_manager.filter(pk=pk).update(**values)
    Change.objects.bulk_create(changes, batch_size=STEP)
    rows.update(**{field: survivor})


def _keep_refused(change_set: ChangeSet, survivor: Customer, refused: set[tuple[str, str]], actor: Actor) -> None:
    """Keep every refusal of consent of either side, though a later consent of the other would be in force now."""
    for purpose, channel in sorted(refused - consent.refused(customer=survivor)):
        row = consent.change(
            customer=survivor, channel=channel, purpose=purpose, is_granted=False, how=change_set.summary, actor=actor
        )
        if row is not None:
            change_set.changes.create(
                organization=survivor.organization, model=Consent._meta.label_lower, object_id=str(row.pk),
                action="created", before={"field": "customer"},
            )  # fmt: skip


def _move_events(change_set: ChangeSet, loser: Customer, survivor: Customer) -> None:
    """Move the events: the ledger has no foreign key to customers."""
    ids = list(Event.objects.filter(customer_id=loser.pk).order_by("pk").values_list("pk", flat=True))
    changes = [
        Change(
            organization=change_set.organization, change_set=change_set, model=EVENT, object_id=str(pk),
            action="moved", before={"field": "customer_id"},
        )
        for pk in ids
    ]  # fmt: skip
    Change.objects.bulk_create(changes, batch_size=STEP)
    amending.move(ids=ids, customer_id=survivor.pk)


def _unite_tags(loser: Customer, survivor: Customer) -> list[UUID]:
    through = Customer.tags.through._base_manager
    own = set(through.filter(customer_id=survivor.pk).values_list("tag_id", flat=True))
    others = list(through.filter(customer_id=loser.pk).exclude(tag_id__in=own).values_list("tag_id", flat=True))
    through.bulk_create(through.model(customer_id=survivor.pk, tag_id=pk) for pk in others)
    return others


def _take_over(loser: Customer, survivor: Customer, sides: Mapping[str, str]) -> None:
    own_fields = dict(survivor.custom_fields)
    for name, side in sides.items():
        if side != FROM:
            continue
        if name.startswith(CUSTOM):
            key = name.removeprefix(CUSTOM)
            own_fields[key] = loser.custom_fields.get(key)
        else:
            setattr(survivor, name, getattr(loser, name))
    survivor.custom_fields = {key: value for key, value in own_fields.items() if value is not None}
    set_primary(survivor)


def _record_stage(change_set: ChangeSet, survivor: Customer, stage: Stage, since: datetime, actor: Actor) -> None:
    """Add the survivor's change of stage to the history; reverting removes it again."""
    move = StageChange.objects.create(
        organization=survivor.organization, customer=survivor, from_stage=stage, from_name=stage.name,
        to_stage=survivor.stage, to_name=survivor.stage.name, since=since,
        reason=change_set.summary, actor_kind=actor.kind, actor_label=actor.label,
    )  # fmt: skip
    change_set.changes.create(
        organization=survivor.organization, model=StageChange._meta.label_lower, object_id=str(move.pk),
        action="created", before={"field": "customer"},
    )  # fmt: skip


def set_primary(customer: Customer) -> None:
    """Make the identities that are the customer's own phone and e-mail the primary ones."""
    rows = Identity.objects.filter(customer=customer)
    rows.update(is_primary=False)
    for kind, value in ((Identity.Kind.PHONE, customer.phone), (Identity.Kind.EMAIL, customer.email)):
        if value:
            rows.filter(kind=kind, value=value).update(is_primary=True)
