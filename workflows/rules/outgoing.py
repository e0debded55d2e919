"""The automatic messages that are still to go out: looked at, and cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Member
from activity.actor import Actor
from core.refused import Invalid
from messaging.delivery import queue
from messaging.delivery.queue import NotPossible
from workflows.models import RunMessage, Workflow
from workflows.rules import queries

MAX_AT_ONCE: Final = 500
FILTERS: Final = {
    "from": "message__due_at__gte",
    "to": "message__due_at__lt",
    "workflow": "run__workflow",
    "customer": "message__customer",
}


def messages(member: Member, filters: Mapping[str, object]) -> QuerySet[RunMessage]:
    """The messages to come within the member's reach that fit the filters (FILTERS), next first."""
    rows = queries.outgoing(member)
    return rows.filter(**{path: filters[name] for name, path in FILTERS.items() if name in filters})


def rules(member: Member) -> QuerySet[Workflow]:
    """The rules and sequences of which messages are to come, within the member's reach, by name."""
    waiting = messages(member, {}).order_by().values("run__workflow")
    return Workflow.objects.filter(pk__in=waiting).order_by("name", "pk")


@transaction.atomic
def cancel(*, member: Member, actor: Actor, chosen: Mapping[str, object]) -> int:
    """Cancel messages within the member's reach by `ids`, `workflow` or `customer`; how many, MAX_AT_ONCE at most.

    What began to leave meanwhile is not counted. Raises Invalid where nothing is chosen.
    """
    if not chosen:
        raise Invalid("ids", _("Say which: ids, workflow or customer."))
    rows = messages(member, chosen)
    if "ids" in chosen:
        rows = rows.filter(message__in=cast("Sequence[UUID]", chosen["ids"]))
    return _cancel(rows, actor)


@transaction.atomic
def cancel_all(*, member: Member, actor: Actor, filters: Mapping[str, object]) -> int:
    """Cancel every message within the member's reach that fits the filters, without one all; how many, MAX_AT_ONCE at
    most. For a page that has shown them and asked."""
    return _cancel(messages(member, filters), actor)


def _cancel(rows: QuerySet[RunMessage], actor: Actor) -> int:
    count = 0
    for row in rows[:MAX_AT_ONCE]:
        try:
            queue.cancel(message=row.message, actor=actor, reason=_("Cancelled among the automatic messages."))
        except NotPossible:
            continue
        count += 1
    return count
