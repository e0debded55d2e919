"""The way from a process to the sequences, which an app above this one has: who begins one is registered here."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from activity.actor import Actor
from core.refused import Invalid
from core.registry import Registry, path_of
from customers.models import Customer, Process


class Begin(Protocol):
    """Begins a customer's way through a sequence of their organization. Raises Invalid with the field `sequence` for
    one that is not there, AnotherOpen, CustomerMissing, and what else keeps somebody from beginning it."""

    def __call__(self, *, sequence: UUID, customer: Customer, actor: Actor, channel: str) -> Process: ...


BEGIN: Registry[Begin] = Registry("What begins sequences", name=path_of)


def begin(*, sequence: UUID, customer: Customer, actor: Actor, channel: str = "") -> Process:
    """Begin a way through the sequence. Raises as `Begin`."""
    for one in BEGIN:
        return one(sequence=sequence, customer=customer, actor=actor, channel=channel)
    raise Invalid("sequence", _("There are no sequences here."))
