"""Reverting a bulk change: customer by customer, where nobody changed the same field since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.models import Member, User
from activity.actor import current_actor
from activity.jobs import Work
from customers.data import undo
from customers.data.bulk.actions import ACTIONS
from customers.data.deletion import services as deletion
from customers.models import Change, ChangeSet, Customer, Stage, StageChange
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.tags import services as tags

STEP = 100

Restore = Callable[[Customer, Mapping[str, object]], str]


def revert(work: Work, change_set: ChangeSet) -> dict[str, object]:
    """Revert a bulk change. Returns how many were restored, and why others were not."""
    state = work.state
    state.setdefault("restored", 0)
    state.setdefault("kept", 0)
    state.setdefault("reasons", [])
    action = ACTIONS.get(str(change_set.detail.get("action")))
    restore = action.restore if action is not None else None
    while True:
        rows = change_set.changes.order_by("pk")
        batch = list((rows.filter(pk__gt=state["last"]) if state.get("last") else rows)[:STEP])
        if not batch:
            break
        with work.step(done=work.job.done + len(batch)):
            result = Customer.objects.select_related("organization", "stage").in_bulk([c.object_id for c in batch])
            known = {str(key): customer for key, customer in result.items()}
            for change in batch:
                reason = _restore(known.get(change.object_id), change, restore)
                if reason:
                    undo.note_skipped(state, reason)
                else:
                    state["restored"] += 1
            state["last"] = str(batch[-1].pk)
    return {"restored": state["restored"], "kept": state["kept"], "reasons": state["reasons"]}


def _restore(customer: Customer | None, change: Change, restore: Restore | None) -> str:
    """Restore one customer; the reason where it is not restored, else empty."""
    if customer is None or customer.erased_at is not None:
        return "A customer is gone."
    if restore is not None:
        if customer.is_deleted:
            return f"{customer.code} was deleted since."
        return restore(customer, change.after)
    (field, was), became = next(iter(change.before.items())), next(iter(change.after.values()))
    if customer.is_deleted and field != "is_deleted":
        return f"{customer.code} was deleted since."
    if field in _OTHERS:
        return _OTHERS[field](customer, was)
    if _now(customer, field) != became:
        return f"{customer.code} was changed since."
    return _SETTERS[field](customer, was)


def _undelete(customer: Customer, was: object) -> str:
    if not customer.is_deleted:
        return f"{customer.code} was restored already."
    deletion.restore(customer=customer, actor=current_actor())
    return ""


def _take_tag(customer: Customer, tag: str) -> str:
    taken = tags.remove(customer=customer, names=[tag], actor=current_actor())
    return "" if taken else f"{customer.code} lost the tag since."


def _give_tag(customer: Customer, tag: str) -> str:
    is_added = tags.add(customer=customer, names=[tag], actor=current_actor())
    return "" if is_added else f"{customer.code} has the tag again."


def _set_owner(customer: Customer, was: str | None) -> str:
    if was and not Member.objects.active().filter(user__pk=was).exists():
        return f"{customer.code}: the former owner is no member any more."
    owner = User.objects.get(pk=was) if was else None
    customers.assign(customer=customer, owner=owner, actor=current_actor())
    return ""


def _set_stage(customer: Customer, was: object) -> str:
    stage = Stage.objects.filter(key=was).first()
    if stage is None:
        return f"{customer.code}: the former stage is gone."
    came = StageChange.objects.filter(customer=customer, to_stage=customer.stage_id, from_stage=stage)
    since = came.order_by("-changed_at", "-id").values_list("since", flat=True).first()
    stage_moves.move(customer=customer, stage=stage, actor=current_actor(), reason="undone", since=since)
    return ""


def _set_status(customer: Customer, was: object) -> str:
    customers.update(customer=customer, actor=current_actor(), changes={"status": was})
    return ""


# What needs no look at what is there now: the services say whether there was anything to do.
_OTHERS: dict[str, Callable[[Customer, Any], str]] = {
    "is_deleted": _undelete,
    "without_tag": _take_tag,
    "with_tag": _give_tag,
}
_SETTERS: dict[str, Callable[[Customer, Any], str]] = {
    "assigned_to": _set_owner,
    "stage": _set_stage,
    "status": _set_status,
}


def _now(customer: Customer, field: str) -> object:
    if field == "assigned_to":
        return str(customer.assigned_to_id) if customer.assigned_to_id else None
    return customer.stage.key if field == "stage" else getattr(customer, field)


def register() -> None:
    undo.register_undo(ChangeSet.Kind.BULK, revert)
