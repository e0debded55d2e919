"""Settings that belong to an app above: it registers how each is read, written and checked by a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rest_framework import serializers

from accounts.models import Organization
from activity.actor import Actor
from core.registry import Registry


class Write(Protocol):
    """Sets the value, in the transaction of the caller. Raises Refused, with the part's key as the field."""

    def __call__(self, *, organization: Organization, value: object, actor: Actor) -> object: ...


@dataclass(frozen=True, slots=True)
class Part:
    """`key` is the name in calls; `field` makes what checks a value there."""

    key: str
    read: Callable[[Organization], object]
    write: Write
    field: Callable[[], serializers.Field]


PARTS: Registry[Part] = Registry("Organization settings", name=lambda part: part.key)
register = PARTS.register
