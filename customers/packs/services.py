"""Installing packs: all of one in a new organization, the missing parts when it changes to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from accounts.models import Member, Organization
from activity.actor import Actor
from activity.ledger import record
from activity.models import Job
from core.refused import Invalid, Refused
from customers import events
from customers.models import Customer, CustomerSettings, CustomField, Deal, OutcomeType, Segment, Stage, Tag
from customers.packs import Pack, packs
from customers.packs.reading import Table
from customers.pipeline.stages import services as stages

# What is to become of a stage that the new pack does not have; else the key of the stage that its customers move to.
KEEP, TAKE_AWAY = "keep", "take_away"
_ENDS = {Stage.Kind.OPEN: 0, Stage.Kind.WON: 1, Stage.Kind.LOST: 2}


class UnknownPack(Refused):
    """No pack has this key."""

    status = 404

    def __init__(self, key: str) -> None:
        super().__init__(f"“{key[:40]}” is not a pack. Use one of: {', '.join(packs())}.")


class InvalidHome(Invalid):
    """The choice for a stage is not possible; `stage` is its key."""

    def __init__(self, stage: str, detail: str) -> None:
        super().__init__(stage, detail)
        self.stage = stage


@dataclass(frozen=True, slots=True)
class OtherStage:
    """A stage that the new pack lacks, with its numbers of customers (deleted ones too) and deals."""

    stage: Stage
    customers: int
    deals: int
    # It came with the pack that goes, and nobody needs it any more.
    is_left_over: bool

    @property
    def is_empty(self) -> bool:
        return not (self.customers or self.deals)

    @property
    def proposed(self) -> str:
        return TAKE_AWAY if self.is_left_over and self.is_empty else KEEP


@dataclass(frozen=True, slots=True)
class Plan:
    """What changing to a pack adds, by part, and which stages it leaves to decide on."""

    pack: Pack
    is_current: bool
    stages: list[Table]
    outcome_types: list[Table]
    custom_fields: list[Table]
    tags: list[Table]
    segments: list[Table]
    relationships: list[str]
    present_stages: list[Stage]
    others: list[OtherStage]

    @property
    def adds_nothing(self) -> bool:
        return not (
            self.stages or self.outcome_types or self.custom_fields or self.tags or self.segments or self.relationships
        )


@dataclass(slots=True)
class Changed:
    """The result of a change: its plan, the removed stages, and the jobs that empty others."""

    plan: Plan
    removed: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def find(key: str) -> Pack:
    """Raises UnknownPack."""
    row = packs().get(key)
    if row is None:
        raise UnknownPack(key)
    return row


@transaction.atomic
def install(*, organization: Organization, pack: Pack, owner_id: UUID | str | None) -> None:
    """Give a new organization all of its pack, in a statement for each part; `owner_id` is whose the segments are;
    where there is nobody yet, they come with the first member (`install_segments`).

    No event of its own: that the organization was made says it.
    """
    created = Stage.objects.bulk_create(
        Stage(organization=organization, position=position, **row) for position, row in enumerate(pack.stages)
    )
    by_key = {stage.key: stage for stage in created}
    _add_outcome_types(organization, pack.outcome_types, by_key, after=0)
    _add_fields(organization, pack.custom_fields, after={})
    _add_tags(organization, pack.tags)
    if owner_id is not None:
        _add_segments(organization, pack.segments, owner_id)
    CustomerSettings.objects.bulk_create(
        [
            CustomerSettings(
                organization=organization,
                relationships=list(pack.relationships),
                won_deal_stage=by_key.get(pack.won_deal_stage),
                lost_deal_stage=by_key.get(pack.lost_deal_stage),
            )
        ]
    )


def plan(*, organization: Organization, pack: Pack) -> Plan:
    """What changing to the pack would add, and the stages to decide on; nothing is written.

    What is there already, by its key (tags and segments by name), stays as the organization made it.
    """
    present = list(Stage.objects.filter(organization=organization))
    keys = {stage.key for stage in present}
    pack_keys = {row["key"] for row in pack.stages}
    kinds = set(OutcomeType.objects.filter(organization=organization).values_list("key", flat=True))
    fields = set(CustomField.objects.filter(organization=organization).values_list("entity", "key"))
    tags = {name.casefold() for name in Tag.objects.filter(organization=organization).values_list("name", flat=True)}
    views = Segment.objects.filter(organization=organization, is_shared=True).values_list("name", flat=True)
    segments = {name.casefold() for name in views}
    decided = CustomerSettings.objects.filter(organization=organization).first()
    relationships = decided.relationships if decided else []
    return Plan(
        pack=pack,
        is_current=organization.pack == pack.key,
        stages=[row for row in pack.stages if row["key"] not in keys],
        outcome_types=[row for row in pack.outcome_types if row["key"] not in kinds],
        custom_fields=[row for row in pack.custom_fields if (row["entity"], row["key"]) not in fields],
        tags=[row for row in pack.tags if row["name"].casefold() not in tags],
        segments=[row for row in pack.segments if row["name"].casefold() not in segments],
        relationships=[name for name in pack.relationships if name not in relationships],
        present_stages=[stage for stage in present if stage.key in pack_keys],
        others=_others(organization, [stage for stage in present if stage.key not in pack_keys]),
    )


@transaction.atomic
def change(
    *, organization: Organization, member: Member, actor: Actor, pack: Pack, homes: Mapping[str, str] | None = None
) -> Changed:
    """Change to a pack: what is missing is added, nothing that is there is lost or overwritten.

    `homes` says for the key of each stage that the pack does not have what becomes of it: KEEP (so without a word),
    TAKE_AWAY where nobody stands in it, or the key of another stage, to which a job moves who does. Called twice, also
    at once, it adds everything once. Raises InvalidHome, and writes nothing.
    """
    locked = Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)
    planned = plan(organization=locked, pack=pack)
    by_key = _add_stages(locked, planned)
    known_fields = CustomField.objects.filter(organization=locked).values("entity").annotate(count=Count("pk"))
    _add_outcome_types(
        locked, planned.outcome_types, by_key, after=OutcomeType.objects.filter(organization=locked).count()
    )
    _add_fields(locked, planned.custom_fields, after={row["entity"]: row["count"] for row in known_fields.order_by()})
    _add_tags(locked, planned.tags)
    _add_segments(locked, planned.segments, member.user_id)
    _settle_settings(locked, planned, by_key)
    changed = Changed(planned)
    for other in planned.others:
        _decide(other, (homes or {}).get(other.stage.key, KEEP), by_key, actor, member, changed)
    if not (planned.is_current and planned.adds_nothing):
        _record(locked, planned, actor)
    Organization.objects.filter(pk=locked.pk).update(pack=pack.key)
    organization.pack = pack.key
    return changed


def _others(organization: Organization, rows: Sequence[Stage]) -> list[OtherStage]:
    """The stages to decide on; two queries for any number."""
    if not rows:
        return []
    known = packs().get(organization.pack)
    came_with_it = {row["key"] for row in known.stages} if known else set()
    customers, deals = _standing(Customer, rows), _standing(Deal, rows)
    return [
        OtherStage(stage, customers.get(stage.pk, 0), deals.get(stage.pk, 0), is_left_over=stage.key in came_with_it)
        for stage in rows
    ]


def _standing(model: Any, rows: Iterable[Stage]) -> dict[object, int]:
    counted = model.objects.filter(stage__in=rows).order_by().values("stage").annotate(count=Count("pk"))
    return dict(counted.values_list("stage", "count"))


def _add_stages(organization: Organization, planned: Plan) -> dict[str, Stage]:
    """The missing ones, all in order: the pack's open stages, then the others that are open, then won, then lost."""
    created = Stage.objects.bulk_create(Stage(organization=organization, position=0, **row) for row in planned.stages)
    every = [*planned.present_stages, *(other.stage for other in planned.others), *created]
    place = {row["key"]: number for number, row in enumerate(planned.pack.stages)}
    every.sort(
        key=lambda stage: (_ENDS[Stage.Kind(stage.kind)], place.get(stage.key, len(place)), stage.position, stage.key)
    )
    if created:
        for position, stage in enumerate(every):
            stage.position = position
        Stage.objects.bulk_update(every, ["position"])
    return {stage.key: stage for stage in every}


def _add_outcome_types(
    organization: Organization, rows: Sequence[Table], by_key: Mapping[str, Stage], *, after: int
) -> None:
    OutcomeType.objects.bulk_create(
        OutcomeType(organization=organization, position=after + number, **{**row, "stage": by_key.get(row["stage"])})
        for number, row in enumerate(rows)
    )


def _add_fields(organization: Organization, rows: Sequence[Table], *, after: Mapping[str, int]) -> None:
    counts = dict(after)
    created = []
    for row in rows:
        position = counts.get(row["entity"], 0)
        counts[row["entity"]] = position + 1
        created.append(CustomField(organization=organization, position=position, **row))
    CustomField.objects.bulk_create(created)


def _add_tags(organization: Organization, rows: Sequence[Mapping[str, object]]) -> None:
    Tag.objects.bulk_create(Tag(organization=organization, **row) for row in rows)


def install_segments(*, organization: Organization, owner_id: UUID) -> None:
    """The segments of the organization's pack, for somebody who is its first member; those that are there stay."""
    pack = find(organization.pack)
    if not Segment.objects.filter(organization=organization).exists():
        _add_segments(organization, pack.segments, owner_id)


def _add_segments(organization: Organization, rows: Sequence[Table], owner_id: UUID | str) -> None:
    """Add the pack's segments, shared with everybody; a private one of the same name stays."""
    own = set(Segment.objects.filter(organization=organization, owner__pk=owner_id).values_list("name", flat=True))
    Segment.objects.bulk_create(
        Segment(organization=organization, owner_id=owner_id, is_shared=True, **row)
        for row in rows
        if row["name"] not in own
    )


def _settle_settings(organization: Organization, planned: Plan, by_key: Mapping[str, Stage]) -> None:
    """Add relationships, and set the stages of won and lost deals where they are not set yet."""
    CustomerSettings.objects.get_or_create(organization=organization)
    current = CustomerSettings.objects.select_for_update(of=("self",)).get(organization=organization)
    current.relationships = [*current.relationships, *planned.relationships]
    if not planned.is_current:
        for name in ("won_deal_stage", "lost_deal_stage"):
            if getattr(current, f"{name}_id") is None:
                setattr(current, name, by_key.get(getattr(planned.pack, name)))
    current.save()


def _decide(
    other: OtherStage, choice: str, by_key: Mapping[str, Stage], actor: Actor, member: Member, changed: Changed
) -> None:
    if choice == KEEP:
        return
    home = None if choice == TAKE_AWAY else by_key.get(choice)
    if choice != TAKE_AWAY and (home is None or home.pk == other.stage.pk):
        raise InvalidHome(other.stage.key, f"“{choice[:40]}” is not a stage that they could move to.")
    if home is not None and choice in {one.stage.key for one in changed.plan.others}:
        raise InvalidHome(other.stage.key, f"Choose a stage of the pack “{changed.plan.pack.name}”.")
    try:
        job = stages.remove(stage=other.stage, home=home, actor=actor, member=member)
    except stages.StageInUse as error:
        raise InvalidHome(other.stage.key, str(error)) from error
    except stages.InvalidStage as error:
        raise InvalidHome(other.stage.key, str(error)) from error
    if job is None:
        changed.removed.append(other.stage.key)
    else:
        changed.jobs.append(job)


def _record(organization: Organization, planned: Plan, actor: Actor) -> None:
    added = {
        "stages": [row["key"] for row in planned.stages],
        "outcome_types": [row["key"] for row in planned.outcome_types],
        "custom_fields": [f"{row['entity']}.{row['key']}" for row in planned.custom_fields],
        "tags": [row["name"] for row in planned.tags],
        "segments": [row["name"] for row in planned.segments],
        "relationships": planned.relationships,
    }
    payload = {"from": organization.pack, "to": planned.pack.key, "added": {k: v for k, v in added.items() if v}}
    record(events.PACK_CHANGED, subject=organization, organization=organization, actor=actor, payload=payload)
