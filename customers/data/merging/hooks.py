"""What upper apps have to say when two customers become one: they register how their records make room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import models

from core.registry import Registry, path_of
from customers.models import Customer

# Before a model's records move from one customer to another: what has to be changed on them, row by row, so that no
# unique key is hurt. The values that were are kept with the merge, and are back with its undoing.
MakeRoom = Callable[[Customer, Customer], Mapping[UUID, Mapping[str, object]]]
# After a merge was undone: what came meanwhile goes with what it belongs to.
Follow = Callable[[Customer, Customer], None]

_rooms: Registry[tuple[type[models.Model], MakeRoom]] = Registry(
    "Make room before a merge", name=lambda entry: entry[0]._meta.label, describe=lambda entry: path_of(entry[1])
)
_followers: Registry[Follow] = Registry("Called after a merge was undone", name=path_of)


def register(model: type[models.Model], make_room: MakeRoom) -> None:
    """`make_room(loser, survivor)` gives the columns to set on the loser's rows of this model, by primary key."""
    _rooms.register((model, make_room))


def register_follower(follow: Follow) -> None:
    """`follow(loser, survivor)` is called when the two are two again."""
    _followers.register(follow)


def room_for(model: type[models.Model], loser: Customer, survivor: Customer) -> Mapping[UUID, Mapping[str, object]]:
    entry = _rooms.get(model._meta.label)
    return entry[1](loser, survivor) if entry is not None else {}


def have_followed(loser: Customer, survivor: Customer) -> None:
    for follow in _followers:
        follow(loser, survivor)
