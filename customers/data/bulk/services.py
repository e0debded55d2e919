"""One change of many customers, as a job: a selection, or all that fit a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, cast

from django.db import transaction

from accounts.models import Member, User
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Job
from core.ids import parse_uuid
from core.refused import Invalid, Refused, inside
from customers import events
from customers.data import undo
from customers.data.deletion import services as deletion
from customers.models import Change, ChangeSet, Customer, Stage
from customers.models.querysets import CustomerQuerySet
from customers.people import locking
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.customers.queries import customers_for
from customers.people.filters import parse as filters
from customers.people.tags import services as tags

KIND = "customers.bulk"
STEP = 100
MAX_IDS = 10_000
CUSTOMER = Customer._meta.label_lower
PERMISSIONS: Mapping[str, str] = {"delete": "customers.delete"}


class InvalidBulk(Invalid):
    """A bulk change that is not valid; `field` names what is wrong."""


class NotPermitted(Refused):
    """The member's role does not permit the change."""

    status = 403


def start(
    *,
    member: Member,
    actor: Actor,
    action: str,
    params: Mapping[str, object],
    ids: Sequence[str] | None = None,
    filter_values: Mapping[str, object] | None = None,
) -> Job:
    """Start the job that changes the customers with these ids, or all that match the filter, within the member's reach.

    Raises InvalidBulk for an unknown action or a bad parameter, InvalidFilter, and NotPermitted.
    """
    if action not in ACTIONS:
        raise InvalidBulk("action", f"“{action[:40]}” is not an action. Use one of {', '.join(ACTIONS)}.")
    permission = PERMISSIONS.get(action, "customers.edit")
    if not member.may(permission):
        raise NotPermitted(f"Your role does not permit this ({permission}).")
    checked = ACTIONS[action].check(dict(params))
    if (ids is None) == (filter_values is None):
        raise InvalidBulk("ids", "Give either ids or a filter.")
    if ids is not None and not 0 < len(ids) <= MAX_IDS:
        raise InvalidBulk("ids", f"1 to {MAX_IDS} ids are needed; for more, use a filter.")
    chosen: dict[str, object] = {"ids": sorted({str(one) for one in ids})} if ids is not None else {}
    if filter_values is not None:
        with inside("filter"):
            filters.read(filter_values)
        chosen = {"filter": {name: value for name, value in filter_values.items() if name != "ordering"}}
    with transaction.atomic():
        rows = _rows(member, chosen)
        change_set = ChangeSet.objects.create(
            organization=member.organization,
            kind=ChangeSet.Kind.BULK,
            summary=ACTIONS[action].words(checked),
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=actor.label,
            detail={"action": action},
        )
        return jobs.start(
            organization=member.organization,
            kind=KIND,
            actor=actor,
            user=member.user,
            total=rows.count(),
            params={"change_set": str(change_set.pk), "action": action, "params": checked, "member": str(member.pk)}
            | chosen,
        )


def run(work: Work) -> dict[str, object]:
    """The job: in the order of ids, so that no row comes twice though the change moves it out of the filter."""
    member = Member.objects.active().with_access().filter(pk=work.params["member"]).first()
    change_set = ChangeSet.objects.filter(pk=work.params["change_set"]).first()
    action = ACTIONS[work.params["action"]]
    permission = PERMISSIONS.get(work.params["action"], "customers.edit")
    if member is None or change_set is None or not member.may(permission):
        raise JobFailed("Whoever began this may not do it any more.")
    try:
        rows = _rows(member, work.params)
    except filters.InvalidFilter as error:
        raise JobFailed(f"The filter means nothing any more: {error.field}: {error}") from error
    state = work.state
    state.setdefault("changed", 0)
    state.setdefault("kept", 0)
    state.setdefault("reasons", [])
    is_over = False
    while not is_over:
        after = rows.filter(pk__gt=state["last"]) if state.get("last") else rows
        batch = list(after.order_by("pk").select_related("organization", "stage", "assigned_to")[:STEP])
        is_over = len(batch) < STEP
        if not batch:
            break
        with work.step(done=work.job.done + len(batch)):
            changes = []
            for customer in batch:
                changes += _change(customer, change_set, action, work.params["params"], state)
            Change.objects.bulk_create(changes)
            state["last"] = str(batch[-1].pk)
    with work.step(done=work.job.total):
        change_set.summary = f"{change_set.summary}: {state['changed']}"[:200]
        change_set.save(update_fields=["summary"])
        payload = {"action": work.params["action"], "params": work.params["params"], "changed": state["changed"]}
        record(events.BULK_CHANGED, subject=change_set, actor=current_actor(), payload=payload)
    return {
        "changed": state["changed"],
        "kept": state["kept"],
        "reasons": state["reasons"],
        "change_set": str(change_set.pk),
    }


def _change(
    customer: Customer, change_set: ChangeSet, action: Action, params: Mapping[str, object], state: dict[str, Any]
) -> list[Change]:
    try:
        with transaction.atomic():
            # As they are now: what is noted as before is what undoing puts back.
            before, after = action.do(locking.lock_customer(customer), cast("Params", params))
    except (deletion.Blocked, customers.UnknownOwner, locking.CustomerMissing) as error:
        undo.note_skipped(state, f"{customer.code}: {error}")
        return []
    if before == after:
        return []
    state["changed"] += 1
    return [
        Change(
            organization=customer.organization,
            change_set=change_set,
            model=CUSTOMER,
            object_id=str(customer.pk),
            action="updated",
            before=before,
            after=after,
        )
    ]


def _rows(member: Member, chosen: Mapping[str, Any]) -> CustomerQuerySet:
    if "ids" in chosen:
        return Customer.objects.visible_to(member).filter(pk__in=chosen["ids"])
    # Without an order: tags join, and a row is asked for once only.
    return customers_for(member, filters.read(chosen["filter"])).order_by().distinct()


# --- The actions ------------------------------------------------------------------------------------------------------

Values = dict[str, object]


class Params(TypedDict, total=False):
    """An action's parameters, checked."""

    assigned_to: str | None
    stage: str
    reason: str
    status: str
    tag: str


class Action:
    """`check` reads the parameters; `do` changes one customer and returns the values before and after."""

    def __init__(
        self,
        check: Callable[[Values], Values],
        do: Callable[[Customer, Params], tuple[Values, Values]],
        words: Callable[[Values], str],
    ) -> None:
        self.check, self.do, self.words = check, do, words


def _only(params: Values, name: str) -> Any:
    for other in params:
        if other != name:
            raise InvalidBulk(f"params.{other}", f"Not a parameter here; use {name}.")
    if name not in params:
        raise InvalidBulk(f"params.{name}", "This is needed.")
    return params[name]


def _check_owner(params: Values) -> Values:
    value = _only(params, "assigned_to")
    if value in (None, "", "none"):
        return {"assigned_to": None}
    key = parse_uuid(value)
    if key is None:
        raise InvalidBulk("params.assigned_to", "A user’s id is needed.")
    row = Member.objects.active().filter(user=key).values_list("user_id", flat=True).first()
    if row is None:
        raise InvalidBulk("params.assigned_to", "There is no active member with this id in the organization.")
    return {"assigned_to": str(row)}


def _check_stage(params: Values) -> Values:
    reason = params.pop("reason", "")
    value = _only(params, "stage")
    keys = list(Stage.objects.values_list("key", flat=True))
    if value not in keys:
        raise InvalidBulk("params.stage", f"Use one of {', '.join(keys)}.")
    if not isinstance(reason, str) or len(reason) > stage_moves.MAX_REASON_LENGTH:
        raise InvalidBulk("params.reason", f"A reason is a text of at most {stage_moves.MAX_REASON_LENGTH} characters.")
    reason = " ".join(reason.split())
    return {"stage": value} | ({"reason": reason} if reason else {})


def _check_status(params: Values) -> Values:
    value = _only(params, "status")
    if value not in Customer.Status.values:
        raise InvalidBulk("params.status", f"Use one of {', '.join(Customer.Status.values)}.")
    return {"status": value}


def _check_tag(params: Values) -> Values:
    value = _only(params, "tag")
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not 0 < len(name) <= tags.MAX_LENGTH:
        raise InvalidBulk("params.tag", f"A tag has 1 to {tags.MAX_LENGTH} characters.")
    return {"tag": name}


def _check_nothing(params: Values) -> Values:
    for name in params:
        raise InvalidBulk(f"params.{name}", "This action has no parameters.")
    return {}


def _assign(customer: Customer, params: Params) -> tuple[Values, Values]:
    before: Values = {"assigned_to": str(customer.assigned_to_id) if customer.assigned_to_id else None}
    owner = User.objects.get(pk=params["assigned_to"]) if params["assigned_to"] else None
    customers.assign(customer=customer, owner=owner, actor=current_actor())
    return before, dict(params)


def _move(customer: Customer, params: Params) -> tuple[Values, Values]:
    before: Values = {"stage": customer.stage.key}
    stage = Stage.objects.filter(key=params["stage"]).first()
    if stage is None:
        raise JobFailed("The stage is gone.")
    stage_moves.move(customer=customer, stage=stage, actor=current_actor(), reason=params.get("reason", ""))
    return before, {"stage": stage.key}


def _set_status(customer: Customer, params: Params) -> tuple[Values, Values]:
    before: Values = {"status": customer.status}
    customers.update(customer=customer, actor=current_actor(), changes=dict(params))
    return before, dict(params)


def _add_tag(customer: Customer, params: Params) -> tuple[Values, Values]:
    added = tags.add(customer=customer, names=[params["tag"]], actor=current_actor())
    return {"without_tag": params["tag"]} if added else {}, {"with_tag": params["tag"]} if added else {}


def _remove_tag(customer: Customer, params: Params) -> tuple[Values, Values]:
    removed = tags.remove(customer=customer, names=[params["tag"]], actor=current_actor())
    return {"with_tag": params["tag"]} if removed else {}, {"without_tag": params["tag"]} if removed else {}


def _delete(customer: Customer, params: Params) -> tuple[Values, Values]:
    deletion.delete(customer=customer, actor=current_actor())
    return {"is_deleted": False}, {"is_deleted": True}


ACTIONS: Mapping[str, Action] = {
    "assign": Action(_check_owner, _assign, lambda p: "Another owner" if p["assigned_to"] else "No owner"),
    "stage": Action(_check_stage, _move, lambda p: f"Moved to {p['stage']}"),
    "status": Action(_check_status, _set_status, lambda p: f"Status {p['status']}"),
    "tag_add": Action(_check_tag, _add_tag, lambda p: f"Tag {p['tag']} added"),
    "tag_remove": Action(_check_tag, _remove_tag, lambda p: f"Tag {p['tag']} removed"),
    "delete": Action(_check_nothing, _delete, lambda p: "Deleted"),
}


def register() -> None:
    jobs.register(KIND, run, label="Changing customers", template="customers/data/bulk/result.html")
