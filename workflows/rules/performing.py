"""What actions do when a rule runs: each by its name, registered beside what it does (`workflows.rules.performers`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import Organization
from activity.actor import Actor
from activity.models import Event
from core.registry import Registry
from customers.models import Customer
from messaging.texts import placeholders
from messaging.texts.rendering import values_for
from workflows.models import WorkflowRun
from workflows.rules.facts import EventFacts


class StepStatus(StrEnum):
    """What became of an action: done; skipped, for a reason that lies with this customer; failed, which takes back the
    whole run; undone with one that failed after it; waiting for its time; cancelled before that had come."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDONE = "undone"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class ActionSkipped(Exception):
    """The action has nothing to do here, or must not be done for this customer; the text says why. No fault."""


class ActionFailed(Exception):
    """The action can't be done, whoever the customer is: what it names is gone. The text says what to correct."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an action did, in a sentence, and the record that it made or changed."""

    detail: str
    record: models.Model | None = None


@dataclass
class Run:
    """What an action is given: the run, the event, who acts, and the facts of the event.

    `due_at`: when it was to happen, which is when the event did or when the run was to go on. `is_resumed`: the run has
    waited. `step`: the number of the step among all that the run took.
    """

    row: WorkflowRun
    event: Event
    actor: Actor
    facts: EventFacts
    due_at: datetime
    is_resumed: bool = False
    step: int = field(default=0)

    @property
    def organization(self) -> Organization:
        return self.event.organization

    @property
    def customer(self) -> Customer:
        """Whom the event is about. Raises ActionSkipped where that is nobody, or somebody who was deleted."""
        customer = self.facts.customer
        if customer is None:
            raise ActionSkipped(_("The event is about no customer."))
        if customer.deleted_at is not None or customer.erased_at is not None:
            raise ActionSkipped(_("The customer was deleted."))
        return customer

    @cached_property
    def placeholder_values(self) -> dict[str, str]:
        return values_for(self.customer, self.customer.assigned_to)

    def fill(self, text: str) -> str:
        """A text with its placeholders filled in. Raises ActionSkipped where the customer has no such value."""
        if "{{" not in text:
            return text
        try:
            return placeholders.render(text, self.placeholder_values)
        except placeholders.MissingValue as missing:
            raise ActionSkipped(str(missing)) from missing


class Perform(Protocol):
    """Does the action inside the transaction of its run, by the services that people's own changes go through.

    Raises ActionSkipped, ActionFailed, or a Refused of a service, which counts as failed.
    """

    def __call__(self, run: Run, params: Mapping[str, object], /) -> Result: ...


@dataclass(frozen=True, slots=True)
class Performer:
    """An action that can be taken, and what takes it."""

    name: str
    perform: Perform


# With the run's id after it, and the number of the step: what a task that a rule made calls its origin.
TASK_ORIGIN = "workflow_run:"
PERFORMERS: Registry[Performer] = Registry("Actions that rules take", name=lambda performer: performer.name)


def performs(name: str) -> Callable[[Perform], Perform]:
    """Register a function as what the action of this name does. Raises RegisteredTwice."""

    def register(perform: Perform) -> Perform:
        PERFORMERS.register(Performer(name, perform))
        return perform

    return register


def record_of(result: Result) -> tuple[str, UUID | None]:
    """The type and the id of what an action made."""
    return ("", None) if result.record is None else (result.record._meta.label_lower, result.record.pk)
