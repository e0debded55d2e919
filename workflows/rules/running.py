"""Running the rules on an event: once for each rule, however often the event is dispatched."""

from __future__ import annotations

from uuid import UUID

from activity.models import Event
from activity.payloads import Kind
from customers.models import CustomField
from workflows.models import Evaluation
from workflows.rules import fields, runs, waits
from workflows.rules.causes import cause_of
from workflows.rules.enabled import Rules, enabled_for
from workflows.rules.facts import EventFacts
from workflows.rules.log import kept_decision
from workflows.rules.planning import Cause, Decision, decide


def run_rules(event: Event) -> None:
    """Decide every enabled rule of the event's trigger, take the steps of those that match, keep what was decided.

    In the transaction of the event's receipt, so nothing of it happens twice. Raises what the database raises; an
    action that fails takes back its own run, and the other rules go on.
    """
    waits.ask_again(event)
    rules = enabled_for(event.organization_id, event.type)
    if rules is None:
        return
    facts = EventFacts(event)
    if not runs.hold_customer(event):
        return
    cause = cause_of(event)
    acted = runs.acted_before(rules.acting_once, facts)
    decisions = decide_all(rules, event, facts, cause=cause, acted_before=acted)
    for decision in decisions:
        if decision.is_match:
            runs.begin(decision, event, facts, cause)
    kept = Evaluation(
        event=event, organization=event.organization, decisions=[kept_decision(decision) for decision in decisions]
    )
    # One statement; what an earlier dispatch wrote stays.
    Evaluation.objects.bulk_create([kept], ignore_conflicts=True)


def decide_all(
    rules: Rules,
    event: Event,
    facts: EventFacts,
    *,
    cause: Cause,
    own: list[CustomField] | None = None,
    acted_before: frozenset[UUID] = frozenset(),
) -> list[Decision]:
    """What each rule decides about the event, by the facts as they are now. Nothing is written.

    `own`: the organization's own fields, looked up where a rule asks for one and they are not given.
    """
    trigger = fields.trigger_of(event.type)
    if own is None:
        own = fields.own_fields() if rules.asks_own else []
    kinds: dict[str, Kind] = fields.kinds_for(trigger, own) if trigger is not None else {}
    return decide(rules.rules, cause, facts, kinds, acted_before=acted_before)
