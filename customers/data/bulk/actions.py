"""What can be done with many customers at once. Upper apps register theirs (`ACTIONS`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from accounts.models import Member, User
from activity.actor import current_actor
from activity.jobs import JobFailed
from core.ids import parse_uuid
from core.refused import Invalid
from core.registry import Registry
from customers.data.deletion import services as deletion
from customers.models import ChangeSet, Customer, Stage
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.tags import services as tags


class InvalidBulk(Invalid):
    """A bulk change that is not valid; `field` names what is wrong."""


Values = dict[str, object]


class Params(TypedDict, total=False):
    """An action's parameters, checked."""

    assigned_to: str | None
    stage: str
    reason: str
    status: str
    tag: str


@dataclass(frozen=True, slots=True)
class Action:
    """`check` reads the parameters and raises InvalidBulk; `do` changes one customer, whose row is locked, and returns
    the values before and after, equal ones where nothing changed; `words` is the summary of the change set.

    `parameter`: what it calls the value that the bar gives it. `permission`: what it needs. `is_asked`: people are
    asked first however few the customers are. `sentence`: the question's own, of the bar's value. `note`: what it says
    of a way back. `finished`: what it came to, of how many were changed and kept. `restore`: for undoing, of a customer
    and the values after; the reason where there is nothing to restore, else empty. `before_undo`: what people are asked
    before it is undone; not asked where it is empty.
    """

    name: str
    check: Callable[[Values], Values]
    do: Callable[[Customer, Any], tuple[Values, Values]]
    words: Callable[[Values], str]
    parameter: str = ""
    permission: str = "customers.edit"
    is_asked: bool = False
    sentence: Callable[[str], str] | None = None
    note: Callable[[], str] | None = None
    finished: Callable[[int, int], str] | None = None
    restore: Callable[[Customer, Mapping[str, object]], str] | None = None
    before_undo: Callable[[ChangeSet], str] | None = None


ACTIONS: Final[Registry[Action]] = Registry("Changes of many customers", name=lambda action: action.name)


def only(params: Values, name: str) -> Any:
    """The one parameter that there may be. Raises InvalidBulk."""
    for other in params:
        if other != name:
            raise InvalidBulk(f"params.{other}", f"Not a parameter here; use {name}.")
    if name not in params:
        raise InvalidBulk(f"params.{name}", "This is needed.")
    return params[name]


def _check_owner(params: Values) -> Values:
    value = only(params, "assigned_to")
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
    value = only(params, "stage")
    keys = list(Stage.objects.values_list("key", flat=True))
    if value not in keys:
        raise InvalidBulk("params.stage", f"Use one of {', '.join(keys)}.")
    if not isinstance(reason, str) or len(reason) > stage_moves.MAX_REASON_LENGTH:
        raise InvalidBulk("params.reason", f"A reason is a text of at most {stage_moves.MAX_REASON_LENGTH} characters.")
    reason = " ".join(reason.split())
    return {"stage": value} | ({"reason": reason} if reason else {})


def _check_status(params: Values) -> Values:
    value = only(params, "status")
    if value not in Customer.Status.values:
        raise InvalidBulk("params.status", f"Use one of {', '.join(Customer.Status.values)}.")
    return {"status": value}


def _check_tag(params: Values) -> Values:
    value = only(params, "tag")
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


for action in (
    Action(
        "assign", _check_owner, _assign, lambda p: "Another owner" if p["assigned_to"] else "No owner", "assigned_to"
    ),
    Action("stage", _check_stage, _move, lambda p: f"Moved to {p['stage']}", "stage"),
    Action("status", _check_status, _set_status, lambda p: f"Status {p['status']}", "status"),
    Action("tag_add", _check_tag, _add_tag, lambda p: f"Tag {p['tag']} added", "tag"),
    Action("tag_remove", _check_tag, _remove_tag, lambda p: f"Tag {p['tag']} removed", "tag"),
    Action("delete", _check_nothing, _delete, lambda p: "Deleted", permission="customers.delete", is_asked=True),
):
    ACTIONS.register(action)
