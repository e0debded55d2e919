"""Rules made, changed, put in order, switched and deleted; each content is kept as a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, TypedDict, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import grants
from accounts.members.authority import authority_of
from accounts.models import Organization
from accounts.permissions import Reach
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers.packs.reading import Pack
from workflows import events
from workflows.models import Workflow, WorkflowRun, WorkflowVersion
from workflows.rules import reading, runs, waits
from workflows.rules.reading import CONTENT, InvalidWorkflow, content_of
from workflows.rules.steps import CONTROL, every_entry

MAX_WORKFLOWS: Final = 300
SETTABLE: Final = (*CONTENT, "is_enabled", "position")
# What somebody needs to do by hand what the action does; for what is not named here CHANGES_CUSTOMERS.
PERMISSIONS: Final = {
    **dict.fromkeys(("send_text", "send_template", "resolve_conversation"), "conversations.edit"),
    **dict.fromkeys(("start_sequence", "stop_sequence"), "conversations.edit"),
    "create_task": "tasks.create",
}
CHANGES_CUSTOMERS: Final = "customers.edit"


class Values(TypedDict, total=False):
    """What can be set."""

    name: str
    trigger_event: str
    conditions: Mapping[str, object]
    actions: Sequence[Mapping[str, object]]
    hours: str
    is_once: bool
    stop_after: bool
    cancel_on: Sequence[str]
    is_enabled: bool
    position: int


class WaitingRuns(StrEnum):
    """What happens to runs that wait when their rule gets another content: they finish by the one with which they
    began; they go on at the same step of the new one, and end where it is gone; they end."""

    FINISH = "finish"
    MOVE = "move"
    LEAVE = "leave"


class TooManyWorkflows(Refused):
    """The organization has as many rules as it may."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s rules already. Delete one first.") % {"count": MAX_WORKFLOWS})


class ActsBeyondReach(Refused):
    """A rule acts on everybody's records, and whoever sets it up does not reach them all."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("A rule acts on every customer. Only who sees every record sets one up or switches it on."))


class ChangedMeanwhile(Refused):
    """Somebody gave the rule other content since the page showed it."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("Somebody changed the rule meanwhile. Look at it as it is now, and decide again."))


class VersionMissing(Refused):
    """The rule has no such version."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("The rule has no such version."))


class WorkflowMissing(Refused):
    """The rule was deleted meanwhile."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such rule any more."))


@transaction.atomic
def create(
    *, organization: Organization, actor: Actor, values: Values, kind: Workflow.Kind = Workflow.Kind.RULE
) -> Workflow:
    """A new rule, the last in order unless a position is given. Raises InvalidWorkflow, InvalidConditions,
    TooManyWorkflows, ActsBeyondReach, NotPermitted for an action that the actor may not do by hand."""
    grants.lock(organization)
    rows = Workflow.objects.filter(organization=organization)
    if rows.count() >= MAX_WORKFLOWS:
        raise TooManyWorkflows
    workflow = Workflow(organization=organization, kind=kind, created_by_id=actor.user_id)
    last = rows.aggregate(last=Max("position"))["last"]
    workflow.position = 0 if last is None else last + 1
    _set(workflow, {"name": "", "trigger_event": "", "actions": [], "conditions": {}, **values})
    _require_own(workflow, actor)
    workflow.save(force_insert=True)
    _keep_version(workflow, actor)
    record(events.WORKFLOW_CREATED, subject=workflow, actor=actor, payload={"name": workflow.name})
    return workflow


@transaction.atomic
def update(*, workflow: Workflow, actor: Actor, changes: Values, waiting: WaitingRuns = WaitingRuns.FINISH) -> Workflow:
    """Set what the changes name; another content is a new version. Raises as `create`, and WorkflowMissing.

    `waiting`: what another content means for the runs that wait.
    """
    current = _locked(workflow)
    before = {name: getattr(current, name) for name in SETTABLE}
    _set(current, changes)
    if changes.get("is_enabled") or not changes.keys().isdisjoint(CONTENT):
        _require_own(current, actor)
    if changes.get("is_enabled"):
        # Whoever switches it on again has seen to what failed.
        current.failures, current.paused_at = 0, None
    changed = {
        name: {"from": value, "to": getattr(current, name)}
        for name, value in before.items()
        if getattr(current, name) != value
    }
    if not changed:
        return current
    is_other_content = not changed.keys().isdisjoint(CONTENT)
    current.version += int(is_other_content)
    current.updated_at = timezone.now()
    current.save()
    if is_other_content:
        _keep_version(current, actor)
        _change_waiting(current, waiting)
    record(events.WORKFLOW_CHANGED, subject=current, actor=actor, payload={"name": current.name, "changes": changed})
    return current


@transaction.atomic
def go_back(*, workflow: Workflow, number: int, shown: int, actor: Actor) -> Workflow:
    """Give the rule the content of one of its versions again, which makes a new version.

    `shown`: the version that was the newest when the person decided. Raises VersionMissing, ChangedMeanwhile, and as
    `update`: what the content names may be gone.
    """
    current = _locked(workflow)
    if current.version != shown:
        raise ChangedMeanwhile
    version = current.versions.filter(number=number).first()
    if version is None:
        raise VersionMissing
    # An older version does not know what rules could not have then.
    content = content_of(Workflow()) | {name: version.content[name] for name in CONTENT if name in version.content}
    return update(workflow=current, actor=actor, changes=cast("Values", content))


@transaction.atomic
def reorder(*, organization: Organization, actor: Actor, ids: Sequence[UUID]) -> None:
    """Put the rules in this order; each has to be named once. Raises InvalidWorkflow."""
    grants.lock(organization)
    rows = {row.pk: row for row in Workflow.objects.filter(organization=organization, kind=Workflow.Kind.RULE)}
    if len(set(ids)) != len(ids) or set(ids) != rows.keys():
        raise InvalidWorkflow("ids", _("Name every rule once."))
    changed = []
    for position, pk in enumerate(ids):
        if rows[pk].position != position:
            rows[pk].position = position
            changed.append(rows[pk])
    if changed:
        Workflow.objects.bulk_update(changed, ["position"])
        record(
            events.WORKFLOWS_REORDERED, subject=organization, organization=organization, actor=actor,
            payload={"order": [str(pk) for pk in ids]},
        )  # fmt: skip


@transaction.atomic
def delete(*, workflow: Workflow, actor: Actor) -> None:
    """Delete a rule with its versions and runs. What it queued and made stays. Raises WorkflowMissing."""
    current = _locked(workflow)
    record(events.WORKFLOW_DELETED, subject=current, actor=actor, payload={"name": current.name})
    current.delete()


@transaction.atomic
def retry(*, run: WorkflowRun, actor: Actor) -> WorkflowRun:
    """Do a failed run again. Raises NotFailed."""
    done = runs.retry(run=run)
    payload = {"name": done.workflow.name, "status": done.status}
    record(events.RUN_RETRIED, subject=done.workflow, actor=actor, payload=payload)
    return done


def install(*, organization: Organization, pack: Pack) -> int:
    """Give an organization those rules of its pack that it does not have yet, switched off; how many were new."""
    rows = Workflow.objects.filter(organization=organization)
    present = set(rows.exclude(key="").values_list("key", flat=True))
    position = rows.aggregate(last=Max("position"))["last"]
    position = 0 if position is None else position + 1
    new = [
        Workflow(
            organization=organization,
            key=fields["key"],
            name=fields["name"],
            trigger_event=fields["trigger_event"],
            conditions=fields["conditions"],
            actions=fields["actions"],
            position=position + number,
        )
        for number, fields in enumerate(fields for fields in pack.workflows if fields["key"] not in present)
    ]
    Workflow.objects.bulk_create(new)
    WorkflowVersion.objects.bulk_create(
        WorkflowVersion(workflow=row, number=row.version, content=content_of(row), author_label=pack.name)
        for row in new
    )
    return len(new)


def _locked(workflow: Workflow) -> Workflow:
    # Without the key: a run that begins meanwhile, with its customer held, does not wait for this.
    rows = Workflow.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    current: Workflow | None = rows.filter(pk=workflow.pk).first()
    if current is None:
        raise WorkflowMissing
    return current


def _set(workflow: Workflow, values: Values) -> None:
    """Check and set. What depends on one another is checked together: another trigger offers other fields."""
    if "name" in values:
        workflow.name = reading.name(values["name"])
    if "trigger_event" in values:
        workflow.trigger_event = reading.trigger(values["trigger_event"])
    if not values.keys().isdisjoint(("trigger_event", "conditions", "actions")):
        _set_content(workflow, values)
    if "cancel_on" in values:
        workflow.cancel_on = reading.cancel_on(values["cancel_on"])
    if "hours" in values:
        if values["hours"] not in Workflow.Hours.values:
            raise InvalidWorkflow("hours", _("Use one of: %(names)s.") % {"names": ", ".join(Workflow.Hours.values)})
        workflow.hours = values["hours"]
    for name in ("is_once", "stop_after", "is_enabled", "position"):
        if name in values:
            setattr(workflow, name, values[name])


def _set_content(workflow: Workflow, values: Values) -> None:
    asked = reading.asked_fields(workflow.trigger_event)
    if "trigger_event" in values or "conditions" in values:
        conditions = values.get("conditions", workflow.conditions)
        reading.check_conditions(conditions, asked)
        workflow.conditions = conditions
    # Steps may ask as well: with another trigger they are looked at again.
    steps = values.get("actions", workflow.actions)
    asks = any(entry.get("action") in CONTROL for entry in workflow.actions)
    if "actions" in values or ("trigger_event" in values and asks):
        workflow.actions = reading.actions(steps, reading.Known.of_organization(), asked)


def _require_own(workflow: Workflow, actor: Actor) -> None:
    """Nobody has a rule do what they may not do. Raises ActsBeyondReach or NotPermitted."""
    authority = authority_of(actor, workflow.organization)
    if authority.reach is not Reach.ALL:
        raise ActsBeyondReach
    for entry in every_entry(workflow.actions):
        if entry["action"] in CONTROL:
            continue
        authority.require(PERMISSIONS.get(str(entry["action"]), CHANGES_CUSTOMERS))


def _change_waiting(workflow: Workflow, waiting: WaitingRuns) -> None:
    if waiting is WaitingRuns.LEAVE:
        waits.end_all(workflow=workflow, why=_("The rule was changed."))
    elif waiting is WaitingRuns.MOVE:
        waits.move_all(workflow=workflow)


def _keep_version(workflow: Workflow, actor: Actor) -> None:
    WorkflowVersion.objects.create(
        workflow=workflow, number=workflow.version, content=content_of(workflow), author_label=actor.label[:200]
    )
