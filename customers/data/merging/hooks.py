"""What upper apps have to say when two customers become one: they register how their records make room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import models

from customers.models import Customer

# Before a model's records move from one customer to another: what has to be changed on them, row by row, so that no
# unique key is hurt. The values that were are kept with the merge, and are back with its undoing.
MakeRoom = Callable[[Customer, Customer], Mapping[UUID, Mapping[str, object]]]
# After a merge was undone: what came meanwhile goes with what it belongs to.
Follow = Callable[[Customer, Customer], None]

_rooms: dict[type[models.Model], MakeRoom] = {}
_followers: list[Follow] = []


def register(model: type[models.Model], make_room: MakeRoom) -> None:
    """`make_room(loser, survivor)` gives the columns to set on the loser's rows of this model, by primary key."""
    _rooms[model] = make_room


def register_follower(follow: Follow) -> None:
    """`follow(loser, survivor)` is called when the two are two again."""
    _followers.append(follow)


def room_for(model: type[models.Model], loser: Customer, survivor: Customer) -> Mapping[UUID, Mapping[str, object]]:
    return _rooms[model](loser, survivor) if model in _rooms else {}


def have_followed(loser: Customer, survivor: Customer) -> None:
    for follow in _followers:
        follow(loser, survivor)
