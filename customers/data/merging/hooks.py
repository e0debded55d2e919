"""Hooks of upper apps for merges: they register how their records avoid conflicts, and what follows a revert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import models

from core.registry import Registry, path_of
from customers.models import Customer

# Before a model's records move from one customer to another: what has to be changed on them, row by row, so that no
# unique key is hurt. The values that were are kept with the merge, and are back with its undoing.
BeforeMerge = Callable[[Customer, Customer], Mapping[UUID, Mapping[str, object]]]
# After a merge was undone: what came meanwhile goes with what it belongs to.
AfterUnmerge = Callable[[Customer, Customer], None]

_before_merge: Registry[tuple[type[models.Model], BeforeMerge]] = Registry(
    "Make room before a merge", name=lambda entry: entry[0]._meta.label, describe=lambda entry: path_of(entry[1])
)
_after_unmerge: Registry[AfterUnmerge] = Registry("Called after a merge was undone", name=path_of)


def register(model: type[models.Model], make_room: BeforeMerge) -> None:
    """`make_room(loser, survivor)` returns the columns to set on the loser's rows of this model, by primary key."""
    _before_merge.register((model, make_room))


def register_after_unmerge(follow: AfterUnmerge) -> None:
    """`follow(loser, survivor)` is called after a merge was reverted."""
    _after_unmerge.register(follow)


def before_merge(model: type[models.Model], loser: Customer, survivor: Customer) -> Mapping[UUID, Mapping[str, object]]:
    entry = _before_merge.get(model._meta.label)
    return entry[1](loser, survivor) if entry is not None else {}


def after_unmerge(loser: Customer, survivor: Customer) -> None:
    for follow in _after_unmerge:
        follow(loser, survivor)
