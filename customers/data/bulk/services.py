"""One change of many customers, as a job: a selection, or all that fit a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts.models import Member
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, State, Work
from activity.ledger import record
from activity.models import Job
from core.refused import Refused, inside
from customers import events
from customers.data import undo
from customers.data.bulk.actions import ACTIONS, Action, InvalidBulk
from customers.models import Change, ChangeSet, Customer
from customers.models.querysets import CustomerQuerySet
from customers.people import locking
from customers.people.customers.queries import customers_for
from customers.people.filters import parse as filters

KIND = "customers.bulk"
STEP = 100
MAX_IDS = 10_000
CUSTOMER = Customer._meta.label_lower
# Reasons that a result counts by themselves.
MAX_KINDS_OF_REASONS = 20


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
    chosen_action = ACTIONS.get(action)
    if chosen_action is None:
        raise InvalidBulk("action", f"“{action[:40]}” is not an action. Use one of {', '.join(ACTIONS.names())}.")
    if not member.may(chosen_action.permission):
        raise NotPermitted(f"Your role does not permit this ({chosen_action.permission}).")
    checked = chosen_action.check(dict(params))
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
            summary=chosen_action.words(checked)[:200],
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
    if member is None or change_set is None or not member.may(action.permission):
        raise JobFailed("Whoever began this may not do it any more.")
    try:
        rows = _rows(member, work.params)
    except filters.InvalidFilter as error:
        raise JobFailed(f"The filter means nothing any more: {error.field}: {error}") from error
    state = work.state
    state.setdefault("changed", 0)
    state.setdefault("kept", 0)
    state.setdefault("reasons", [])
    state.setdefault("why", {})
    state["change_set"] = str(change_set.pk)
    is_over = False
    while not is_over:
        after = rows.filter(pk__gt=state["last"]) if state.get("last") else rows
        batch = list(after.order_by("pk").select_related("organization", "stage", "assigned_to")[:STEP])
        is_over = len(batch) < STEP
        if not batch:
            break
        with work.step(done=work.job.done + len(batch)):
            changes = []
            # In one order before anything that they share, such as a team's turn: so nobody waits for one another.
            held = Customer.objects.filter(pk__in=[customer.pk for customer in batch]).order_by("pk")
            list(held.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
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
        "why": [{"detail": detail, "count": count} for detail, count in state["why"].items()],
        "summary": action.finished(state["changed"], state["kept"]) if action.finished is not None else "",
        "change_set": str(change_set.pk),
    }


def _change(
    customer: Customer, change_set: ChangeSet, action: Action, params: Mapping[str, object], state: State
) -> list[Change]:
    try:
        with transaction.atomic():
            # As they are now: what is noted as before is what undoing puts back.
            before, after = action.do(locking.lock_customer(customer), params)
    except Refused as error:
        undo.note_skipped(state, f"{customer.code}: {error}")
        _count_reason(state["why"], str(error))
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


def _count_reason(why: dict[str, int], detail: str) -> None:
    """How often each was the reason; of very many different ones those that came first."""
    if detail in why or len(why) < MAX_KINDS_OF_REASONS:
        why[detail] = why.get(detail, 0) + 1


def _rows(member: Member, chosen: Mapping[str, Any]) -> CustomerQuerySet:
    if "ids" in chosen:
        return Customer.objects.visible_to(member).filter(pk__in=chosen["ids"])
    # Without an order: tags join, and a row is asked for once only.
    return customers_for(member, filters.read(chosen["filter"])).order_by().distinct()


def register() -> None:
    jobs.register(KIND, run, label="Changing customers", template="customers/data/bulk/result.html", so_far=_so_far)


def _so_far(state: State) -> dict[str, object]:
    """What one that was stopped on the way has changed, to be undone as of one that came to its end."""
    return {name: state[name] for name in ("changed", "kept", "reasons", "change_set") if name in state}
