"""Creating, changing, ordering and removing stages of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Member, Organization
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Job
from core.refused import Invalid, Refused
from customers import events
from customers.models import Customer, CustomerSettings, Deal, OutcomeType, Segment, Stage
from customers.people import locking
from customers.people.customers import stage_moves
from customers.people.tags.services import COLORS

KIND = "customers.stage_removal"
SETTABLE = frozenset({"name", "kind", "color", "probability", "sla_hours", "entry_task", "position"})
MAX_STAGES = 30
MAX_NAME_LENGTH, MAX_KEY_LENGTH, MAX_TASK_LENGTH = 80, 40, 200
MAX_HOURS = 24 * 365
STEP = 100


class InvalidStage(Invalid):
    """A value that a stage can’t have."""


class StageInUse(Refused):
    """Customers or deals stand in it, and no new home was given for them."""

    status, code = 409, "in_use"

    def __init__(self, stage: Stage, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        text = " and ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in counts.items() if count)
        super().__init__(f"“{stage.name}” is in use: {text}. Say which stage they move to.")


@transaction.atomic
def create(
    *,
    organization: Organization,
    actor: Actor,
    name: str,
    kind: str = Stage.Kind.OPEN,
    color: str = "slate",
    probability: int = 0,
    sla_hours: int | None = None,
    entry_task: str = "",
    key: str = "",
    position: int | None = None,
) -> Stage:
    """A new stage: an open one after the open ones, unless a position is given; the key is made of the name.

    Raises InvalidStage.
    """
    lock(organization)
    present = list(Stage.objects.filter(organization=organization).order_by("position", "key"))
    if len(present) >= MAX_STAGES:
        raise InvalidStage("name", f"A pipeline has at most {MAX_STAGES} stages.")
    values = _checked(
        {
            "name": name, "kind": kind, "color": color, "probability": probability, "sla_hours": sla_hours,
            "entry_task": entry_task,
        }
    )  # fmt: skip
    stage = Stage(organization=organization, key=_key(key, values["name"], {one.key for one in present}), **values)
    _settle_kind(stage)
    opens = [index for index, one in enumerate(present) if one.kind == Stage.Kind.OPEN]
    after_open = opens[-1] + 1 if opens and stage.kind == Stage.Kind.OPEN else len(present)
    place = after_open if position is None else position
    present.insert(min(place, len(present)), stage)
    stage.position = present.index(stage)
    try:
        with transaction.atomic():
            stage.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidStage("key", f"There is a stage “{stage.key}” already.") from error
    _number(present)
    record(events.STAGE_CREATED, subject=stage, actor=actor, payload={"key": stage.key, "name": stage.name})
    return stage


@transaction.atomic
def update(*, stage: Stage, actor: Actor, changes: Mapping[str, object]) -> Stage:
    """Set SETTABLE fields; the key is for good, since other systems know a stage by it. Raises InvalidStage.

    A stage with customers keeps its name in the history as it was then.
    """
    unknown = set(changes) - SETTABLE
    if unknown:
        raise InvalidStage(min(unknown), "This can’t be changed.")
    lock(stage.organization)
    current = Stage.objects.select_related("organization").get(pk=stage.pk)
    before = {name: getattr(current, name) for name in SETTABLE}
    for name, value in _checked(changes).items():
        setattr(current, name, value)
    _settle_kind(current)
    if current.kind != before["kind"]:
        _require_open_left(current)
        _close_deals_alike(current)
        _forget_as_target(current, home=None)
    if current.sla_hours != before["sla_hours"] or current.kind != before["kind"]:
        # Others are overdue now than before: all are checked again.
        current.overdue_told_until = None
    place = cast("int", changes.get("position", before["position"]))
    current.position = before["position"]
    current.save()
    if place != before["position"]:
        others = list(Stage.objects.exclude(pk=current.pk).order_by("position", "key"))
        others.insert(min(place, len(others)), current)
        _number(others)
    changed = {name: {"from": before[name], "to": getattr(current, name)} for name in sorted(SETTABLE)}
    changed = {name: change for name, change in changed.items() if change["from"] != change["to"]}
    if changed:
        record(events.STAGE_UPDATED, subject=current, actor=actor, payload={"key": current.key, "changes": changed})
    return current


@transaction.atomic
def reorder(*, organization: Organization, actor: Actor, ids: Sequence[UUID | str]) -> None:
    """Put the stages in this order; every stage has to be named once. Raises InvalidStage."""
    lock(organization)
    known = {str(stage.pk): stage for stage in Stage.objects.filter(organization=organization)}
    order = [str(one) for one in ids]
    if sorted(order) != sorted(known):
        raise InvalidStage("order", "The stages were changed meanwhile. Load the page again.")
    if _number([known[one] for one in order]):
        subject = known[order[0]]
        payload = {"order": [known[one].key for one in order]}
        record(events.STAGES_REORDERED, subject=subject, actor=actor, payload=payload)


def counts_in(stage: Stage) -> dict[str, int]:
    """Who and what stands in a stage, the deleted too: they could come back."""
    return {
        "customers": Customer.objects.filter(stage=stage).count(),
        "deals": Deal.objects.filter(stage=stage).count(),
    }


def remove(*, stage: Stage, home: Stage | None, actor: Actor, member: Member) -> Job | None:
    """Take a stage away. None where it is gone at once; where somebody stands in it, the job that moves them first.

    Raises StageInUse where they would need a `home` and none is given; InvalidStage for a home that is none, and for
    the last open stage.
    """
    if home is not None and home.pk == stage.pk:
        raise InvalidStage("home", "Choose another stage.")
    with transaction.atomic():
        lock(stage.organization)
        _require_open_left(stage, is_going=True)
        counts = counts_in(stage)
        if not any(counts.values()):
            _drop(stage, home, actor)
            return None
        if home is None:
            raise StageInUse(stage, counts)
        return jobs.start(
            organization=stage.organization,
            kind=KIND,
            actor=actor,
            user=member.user,
            total=counts["customers"] + counts["deals"],
            params={"stage": str(stage.pk), "home": str(home.pk), "name": stage.name, "home_name": home.name},
        )


def run(work: Work) -> dict[str, object]:
    """The job: customers, then deals, a few at a time; the stage goes in the step that finds nobody left in it."""
    moved = work.state.setdefault("moved", 0)
    actor = current_actor()
    while True:
        stage = Stage.objects.select_related("organization").filter(pk=work.params["stage"]).first()
        home = Stage.objects.filter(pk=work.params["home"]).first()
        if stage is None:
            break
        if home is None:
            raise JobFailed("The stage that they should move to is gone.")
        batch = list(Customer.objects.filter(stage=stage).select_related("organization").order_by("pk")[:STEP])
        deals = [] if batch else list(Deal.objects.filter(stage=stage).order_by("pk")[:STEP])
        with work.step(done=min(work.job.done + len(batch) + len(deals), work.job.total)):
            for customer in batch:
                _move(customer, home, actor, f"“{stage.name}” was taken away")
            for deal in deals:
                _move_deal(deal, home)
            if not batch and not deals:
                # Another one may have gone since this one was promised to.
                lock(stage.organization)
                try:
                    _require_open_left(stage, is_going=True)
                except InvalidStage as error:
                    raise JobFailed(str(error)) from error
                # Those who come at this very moment: the key refuses, and the next step moves them.
                try:
                    with transaction.atomic():
                        _drop(stage, home, actor)
                except IntegrityError:
                    continue
            moved += len(batch)
            work.state["moved"] = moved
        if not batch and not deals:
            break
    return {"moved": moved, "stage": work.params["name"], "home": work.params["home_name"]}


def _move(customer: Customer, home: Stage, actor: Actor, reason: str) -> None:
    try:
        stage_moves.move(customer=customer, stage=home, actor=actor, reason=reason)
    except locking.CustomerMissing:
        # Deleted, merged or erased: nobody looks at where they stand, but the stage can't go while they are in it.
        now = timezone.now()
        Customer.objects.filter(pk=customer.pk).update(stage=home, stage_since=now)


def _move_deal(deal: Deal, home: Stage) -> None:
    """A deal keeps its status: a closed one goes to a stage of its kind, an open one to the home where that is open."""
    kind = deal.status
    target: Stage | None = home
    if home.kind != kind and deal.stage_id is not None:
        target = Stage.objects.filter(kind=kind).exclude(pk=deal.stage_id).order_by("position").first()
    Deal.objects.filter(pk=deal.pk).update(stage=target, updated_at=timezone.now())


def _drop(stage: Stage, home: Stage | None, actor: Actor) -> None:
    OutcomeType.objects.filter(stage=stage).update(stage=home)
    _forget_as_target(stage, home=home, is_going=True)
    for segment in Segment.objects.filter(organization=stage.organization):
        # Where nobody stood in it there is no home: the filter stays, is refused from now on, and shows nobody.
        if home is not None and segment.filter.get("stage") == stage.key:
            segment.filter = {**segment.filter, "stage": home.key}
            segment.save(update_fields=["filter"])
    payload = {"key": stage.key, "name": stage.name, "home": home.key if home else None}
    record(events.STAGE_REMOVED, subject=stage, actor=actor, payload=payload)
    stage.delete()


def _forget_as_target(stage: Stage, *, home: Stage | None, is_going: bool = False) -> None:
    """Closed deals move nobody to a stage that goes, or is of another kind now; to its home where that is of theirs."""
    for name, kind in (("won_deal_stage", Stage.Kind.WON), ("lost_deal_stage", Stage.Kind.LOST)):
        if is_going or stage.kind != kind:
            target = home if home is not None and home.kind == kind else None
            CustomerSettings.objects.filter(**{name: stage}).update(**{name: target})


def lock(organization: Organization) -> None:
    """Lock the pipeline until the transaction ends: one change at a time."""
    list(
        Stage.objects.select_for_update(of=("self",), no_key=True)
        .filter(organization=organization)
        .order_by("pk")
        .only("pk")
    )


def _number(stages: Sequence[Stage]) -> bool:
    """Write the positions; whether one changed."""
    changed = False
    for position, stage in enumerate(stages):
        if stage.position != position:
            stage.position, changed = position, True
            Stage.objects.filter(pk=stage.pk).update(position=position)
    return changed


def _require_open_left(stage: Stage, *, is_going: bool = False) -> None:
    if not is_going and stage.kind == Stage.Kind.OPEN:
        return
    others = Stage.objects.filter(organization=stage.organization, kind=Stage.Kind.OPEN).exclude(pk=stage.pk)
    if not others.exists():
        raise InvalidStage("kind", "A pipeline needs an open stage: new leads begin there.")


def _settle_kind(stage: Stage) -> None:
    """Apply a stage's kind to its other fields: closed stages have no hours, and a probability of 100 or 0."""
    if stage.kind != Stage.Kind.OPEN:
        stage.sla_hours = None
        stage.probability = 100 if stage.kind == Stage.Kind.WON else 0


def _close_deals_alike(stage: Stage) -> None:
    """A deal's status is its stage's kind: those in a stage that became another kind move to one of theirs."""
    for status in (Stage.Kind.OPEN, Stage.Kind.WON, Stage.Kind.LOST):
        if status == stage.kind:
            continue
        home = Stage.objects.filter(organization=stage.organization, kind=status).exclude(pk=stage.pk).first()
        Deal.objects.filter(stage=stage, status=status).update(stage=home)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(values)
    for name, longest in (("name", MAX_NAME_LENGTH), ("entry_task", MAX_TASK_LENGTH)):
        if name in checked:
            checked[name] = " ".join(str(checked[name]).split())
            if len(checked[name]) > longest or (name == "name" and not checked[name]):
                raise InvalidStage(name, f"{'1' if name == 'name' else '0'} to {longest} characters.")
    if "kind" in checked and checked["kind"] not in Stage.Kind.values:
        raise InvalidStage("kind", f"Use one of {', '.join(Stage.Kind.values)}.")
    if "color" in checked and checked["color"] not in COLORS:
        raise InvalidStage("color", f"Use one of {', '.join(COLORS)}.")
    if "probability" in checked and not 0 <= checked["probability"] <= 100:
        raise InvalidStage("probability", "0 to 100 per cent.")
    if checked.get("sla_hours") is not None and not 1 <= checked["sla_hours"] <= MAX_HOURS:
        raise InvalidStage("sla_hours", f"1 to {MAX_HOURS} hours, or none.")
    if "position" in checked and not 0 <= checked["position"] < 2 * MAX_STAGES:
        raise InvalidStage("position", "Counted from 0.")
    return checked


def _key(requested: str, name: str, taken: set[str]) -> str:
    if requested:
        if len(requested) > MAX_KEY_LENGTH or slugify(requested).replace("-", "_") != requested.replace("-", "_"):
            raise InvalidStage("key", f"Small letters, digits, _ or -; at most {MAX_KEY_LENGTH}.")
        if requested in taken:
            raise InvalidStage("key", f"There is a stage “{requested}” already.")
        return requested
    base = slugify(name).replace("-", "_")[: MAX_KEY_LENGTH - 4] or "stage"
    number, key = 1, base
    while key in taken:
        number += 1
        key = f"{base}_{number}"
    return key


def register() -> None:
    jobs.register(
        KIND, run, label="Taking a stage away", template="customers/pipeline/stages/stage_removal_result.html"
    )
