"""What a rule would have done about past events: the engine alone, by the facts as they are now. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Member
from activity.models import Event
from core.refused import Invalid
from customers.models import Customer
from workflows.models import Workflow, WorkflowRun
from workflows.rules import fields
from workflows.rules.causes import cause_of, runs_behind
from workflows.rules.enabled import Rules
from workflows.rules.facts import EventFacts, facts_of
from workflows.rules.log import kept_seen
from workflows.rules.planning import Decision
from workflows.rules.queries import visible_events
from workflows.rules.reading import content_of
from workflows.rules.running import decide_all

# Of an answer; what is older is asked for with an `until`.
MAX_EVENTS: Final = 200
DEFAULT_SPAN: Final = timedelta(days=30)
A_DAY: Final = timedelta(days=1)
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
MAX_SPAN: Final = timedelta(days=366)


class Trial(TypedDict):
    """What the rule would have done about an event."""

    event_id: UUID
    event_type: str
    occurred_at: datetime
    customer: UUID | None
    customer_name: str
    matches: bool
    reason: str
    conditions: Sequence[Mapping[str, object]]
    actions: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class DryRun:
    """The events that were tried, newest first. `is_complete`: no more than MAX_EVENTS fitted."""

    since: datetime
    until: datetime
    trials: Sequence[Trial]
    is_complete: bool


def dry_run(
    *, workflow: Workflow, member: Member, event_id: UUID | None = None,
    since: datetime | None = None, until: datetime | None = None, most: int | None = None,
) -> DryRun:  # fmt: skip
    """Try the rule on an event, or on the newest of its trigger in a span (the last 30 days) that the member may see,
    `most` of them (MAX_EVENTS). The rule need not be saved (`unsaved`).

    "Once a customer" counts what the rule did in fact, and what it would have done on an earlier event of these.
    Raises Invalid for an event of another trigger or that is not there, and for a span that is none.
    """
    most = MAX_EVENTS if most is None else most
    since, until = span(since, until)
    events = visible_events(member).filter(type=workflow.trigger_event).select_related("organization")
    rows = _one(events, event_id) if event_id is not None else _span(events, since, until, most)
    shown = rows[:most]
    names = dict(Customer.objects.filter(pk__in={row.customer_id for row in shown}).values_list("pk", "name"))
    own = fields.own_fields()
    behind, acted = runs_behind(shown), acted_by(workflow, shown)
    rules = Rules.of([workflow])
    trials: list[Trial] = []
    # The oldest first: what acts once has acted for the customer of an earlier event.
    for facts in reversed(facts_of(shown, EventFacts)):
        event = facts.event
        is_done = any(at < event.occurred_at for at in acted.get(event.customer_id, ()))
        (decision,) = decide_all(
            rules, event, facts, own=own, cause=cause_of(event, behind),
            acted_before=frozenset([workflow.pk] if is_done else []),
        )  # fmt: skip
        if decision.is_match and workflow.is_once and event.customer_id is not None:
            acted.setdefault(event.customer_id, []).append(event.occurred_at)
        name = names.get(event.customer_id, "") if event.customer_id else ""
        trials.append(_trial(decision, event, name, workflow.actions))
    trials.reverse()
    return DryRun(since, until, trials, is_complete=len(rows) <= most)


def _one(events: QuerySet[Event], event_id: UUID) -> list[Event]:
    rows = list(events.filter(pk=event_id))
    if not rows:
        raise Invalid("event", _("There is no such event of this rule’s trigger."))
    return rows


def _span(events: QuerySet[Event], since: datetime, until: datetime, most: int) -> list[Event]:
    rows = events.filter(occurred_at__gte=since, occurred_at__lt=until)
    return list(rows.order_by("-occurred_at", "-id")[: most + 1])


def span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The span that is meant, by default the last 30 days. Raises Invalid for one that is none, or over a year."""
    now = timezone.now()
    until = until or now
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and not EARLIEST <= moment <= now + A_DAY:
            raise Invalid(name, _("Choose a day of the past."))
    since = since or until - DEFAULT_SPAN
    if since >= until:
        raise Invalid("since", _("This has to be before the end."))
    if until - since > MAX_SPAN:
        raise Invalid("since", _("At most a year before the end."))
    return since, until


def oldest() -> datetime:
    """The beginning of the longest span that ends now."""
    return timezone.now() - MAX_SPAN + timedelta(minutes=1)


def unsaved(content: Mapping[str, object], *, of: Workflow | None = None) -> Workflow:
    """A rule with this content, to be tried and not to be saved; what a saved one did in fact counts for it too."""
    if of is None:
        return Workflow(**content)
    return Workflow(pk=of.pk, organization_id=of.organization_id, **{**content_of(of), **content})


def acted_by(workflow: Workflow, events: Sequence[Event]) -> dict[UUID | None, list[datetime]]:
    """Of a rule that acts once for a customer: on what it did so in fact, by the customer; one query."""
    acted: dict[UUID | None, list[datetime]] = {}
    if workflow.is_once:
        rows = WorkflowRun.objects.filter(workflow=workflow, status=WorkflowRun.Status.DONE)
        rows = rows.filter(event__customer_id__in={event.customer_id for event in events})
        for customer, at in rows.values_list("event__customer_id", "event__occurred_at"):
            acted.setdefault(customer, []).append(at)
    return acted


def _trial(decision: Decision, event: Event, name: str, actions: Sequence[Mapping[str, object]]) -> Trial:
    return {
        "event_id": event.pk,
        "event_type": event.type,
        "occurred_at": event.occurred_at,
        "customer": event.customer_id,
        "customer_name": name,
        "matches": decision.is_match,
        "reason": decision.reason.value,
        "conditions": [kept_seen(seen) for seen in decision.seen],
        "actions": actions if decision.is_match else [],
    }
