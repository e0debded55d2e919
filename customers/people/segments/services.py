"""Saved views of the list: private, or shared with everybody in the organization."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Member, User
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid, Refused
from customers import events
from customers.models import Segment
from customers.people.filters import parse as filters

SETTABLE = frozenset({"name", "filter", "ordering", "columns", "is_shared"})
MAX_SEGMENTS = 200
MAX_NAME = 80
MAX_COLUMNS = 30


class InvalidSegment(Invalid):
    """A value that a segment can’t have."""


class NotYours(Refused):
    """A segment is its owner’s to change; a shared one an administrator’s too."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Only who saved a segment, or an administrator, changes it.")


@transaction.atomic
def create(*, member: Member, actor: Actor, name: str, **fields: object) -> Segment:
    """Save a view. Raises InvalidSegment."""
    if Segment.objects.filter(owner=member.user).count() >= MAX_SEGMENTS:
        raise InvalidSegment("name", f"At most {MAX_SEGMENTS} segments; delete one first.")
    segment = Segment(organization=member.organization, owner=member.user)
    return _save(segment, {"name": name, **fields}, actor)


@transaction.atomic
def update(*, segment: Segment, member: Member, actor: Actor, changes: Mapping[str, object]) -> Segment:
    """Change name, filter, ordering, columns or who sees it. Raises InvalidSegment, NotYours."""
    require_may_change(segment, member)
    return _save(segment, changes, actor)


@transaction.atomic
def delete(*, segment: Segment, member: Member, actor: Actor) -> None:
    """Raises NotYours."""
    require_may_change(segment, member)
    record(events.SEGMENT_DELETED, subject=segment, actor=actor, payload={"name": segment.name})
    segment.delete()


@transaction.atomic
def give(*, segment: Segment, before: User, owner: User, actor: Actor) -> bool:
    """Make a view somebody else's; under another name where they have one of its name. False where it is `before`'s
    no more. Raises InvalidSegment where they have too many."""
    rows = Segment.objects.select_for_update(of=("self",)).select_related("organization")
    current = rows.filter(pk=segment.pk, owner=before).first()
    if current is None:
        return False
    names = set(Segment.objects.filter(owner=owner).values_list("name", flat=True))
    if len(names) >= MAX_SEGMENTS:
        raise InvalidSegment("name", f"At most {MAX_SEGMENTS} segments; delete one first.")
    current.name = _free_name(current.name, before.get_short_name(), names)
    current.owner, current.updated_at = owner, timezone.now()
    current.save(update_fields=["name", "owner", "updated_at"])
    record(events.SEGMENT_SAVED, subject=current, actor=actor, payload={"name": current.name})
    return True


def may_change(segment: Segment, member: Member) -> bool:
    return segment.owner_id == member.user_id or (segment.is_shared and member.may("settings.edit"))


def snapshot_of(segment: Segment) -> dict[str, str]:
    """The values that its two forms replace: name and sharing (`name`), filter, ordering and columns (`view`)."""
    view = [segment.filter, segment.ordering, segment.columns]
    return {"name": f"{segment.is_shared}:{segment.name}", "view": json.dumps(view, sort_keys=True)}


def require_may_change(segment: Segment, member: Member) -> None:
    if not may_change(segment, member):
        raise NotYours


def _save(segment: Segment, changes: Mapping[str, object], actor: Actor) -> Segment:
    before = {name: getattr(segment, name) for name in SETTABLE}
    for name, value in changes.items():
        if name not in SETTABLE:
            raise InvalidSegment(name, "Not a field of a segment.")
        setattr(segment, name, _CHECKS[name](value))
    if not segment._state.adding and all(getattr(segment, name) == value for name, value in before.items()):
        return segment
    segment.updated_at = timezone.now()
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError as error:
        raise InvalidSegment("name", f"You have a segment “{segment.name}” already.") from error
    record(events.SEGMENT_SAVED, subject=segment, actor=actor, payload={"name": segment.name})
    return segment


def _free_name(name: str, of_whom: str, taken: Collection[str]) -> str:
    """The name; where it is taken, with whose it was, and a number where that is taken as well."""
    if name not in taken:
        return name
    for number in range(1, MAX_SEGMENTS + 2):
        ending = f" ({of_whom[:20]}{f' {number}' if number > 1 else ''})"
        candidate = f"{name[: MAX_NAME - len(ending)]}{ending}"
        if candidate not in taken:
            return candidate
    raise InvalidSegment("name", "There is no free name.")


def _name(value: object) -> str:
    name = " ".join(str(value).split())
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidSegment("name", f"A name of 1 to {MAX_NAME} characters is needed.")
    return name


def _filter(value: object) -> dict[str, object]:
    """The checked filter, not resolved: a day stays a day, `me` is the member who reads the list."""
    if not isinstance(value, Mapping):
        raise InvalidSegment("filter", "An object of filters is needed.")
    values = {name: part for name, part in value.items() if part not in ("", None, [])}
    if "ordering" in values:
        raise InvalidSegment("filter", "The ordering stands beside the filter, in “ordering”.")
    try:
        filters.read(values)
    except filters.InvalidFilter as error:
        raise InvalidSegment("filter", f"{error.field}: {error}") from error
    return values


def _ordering(value: object) -> str:
    if value and value not in filters.ORDERINGS:
        raise InvalidSegment("ordering", f"Use one of {', '.join(filters.ORDERINGS)}.")
    return str(value or "")


def _columns(value: object) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_COLUMNS:
        raise InvalidSegment("columns", f"A list of at most {MAX_COLUMNS} columns is needed.")
    return [str(column)[:60] for column in value]


_CHECKS: dict[str, Callable[[object], object]] = {
    "name": _name,
    "filter": _filter,
    "ordering": _ordering,
    "columns": _columns,
    "is_shared": bool,
}
