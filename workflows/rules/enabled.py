"""The enabled rules of a trigger, parsed once in a process for as long as none of them changes."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from activity.rules import OWN_FIELD_PREFIX
from workflows.events import DATE_REACHED
from workflows.models import Workflow
from workflows.rules.comparing import EQUALS
from workflows.rules.conditions import Comparison, Condition, Group, InvalidConditions, comparisons, parse
from workflows.rules.planning import Hours, Rule
from workflows.rules.steps import CancelOn, read_steps

logger = logging.getLogger(__name__)

MAX_KEPT: Final = 1000

# Of each rule its id, its version, when it was changed last and how often it failed, in order: another list means other
# rules, or another order. The clock alone does not tell two changes of one tick apart.
Stamp = tuple[tuple[UUID, int, datetime, int], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules as the engine reads them, in the order in which they run. `asks_own`: one asks for an own field."""

    rules: tuple[Rule, ...]
    asks_own: bool
    acting_once: frozenset[UUID]

    @classmethod
    def of(cls, rows: Sequence[Workflow]) -> Rules:
        rules = tuple(rule_of(row) for row in rows)
        asked = (comparison.field for rule in rules for comparison in comparisons(rule.condition))
        asks_own = any(field.startswith(OWN_FIELD_PREFIX) for field in asked)
        return cls(rules, asks_own, frozenset(rule.id for rule in rules if rule.is_once))


_kept: OrderedDict[tuple[UUID, str], tuple[Stamp, Rules]] = OrderedDict()
_lock = threading.Lock()


def enabled_for(organization_id: UUID, event_type: str) -> Rules | None:
    """The enabled rules of a trigger in the organization that is open; None where there are none. One query, and a
    second one where a rule was made, changed, switched or put elsewhere since they were read here."""
    rows = Workflow.objects.filter(trigger_event=event_type, is_enabled=True, kind=Workflow.Kind.RULE)
    rows = rows.order_by("position", "created_at", "pk")
    stamp: Stamp = tuple(rows.values_list("pk", "version", "updated_at", "failures"))
    if not stamp:
        return None
    key = (organization_id, event_type)
    with _lock:
        kept = _kept.get(key)
        if kept is not None and kept[0] == stamp:
            _kept.move_to_end(key)
            return kept[1]
    read = list(rows)
    rules = Rules.of(read)
    with _lock:
        # Of what was read, which may be newer than what was asked for before.
        _kept[key] = (tuple((row.pk, row.version, row.updated_at, row.failures) for row in read), rules)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return rules if rules.rules else None


def rule_of(row: Workflow) -> Rule:
    """A stored rule as the engine reads it. What an older version stored and nobody can parse any more never holds."""
    try:
        condition: Condition = parse(row.conditions)
    except InvalidConditions:
        logger.exception("workflow_not_readable", extra={"workflow": str(row.pk)})
        condition = Comparison("", "isnull", False)
    if row.trigger_event == DATE_REACHED and not any(one.field == "days_until" for one in comparisons(condition)):
        # Another rule may ask for other days: who says none means the day itself.
        condition = Group("all", (condition, Comparison("days_until", EQUALS, 0)))
    return Rule(
        id=row.pk,
        name=row.name,
        version=row.version,
        condition=condition,
        steps=read_steps(row.actions),
        is_once=row.is_once,
        hours=Hours(row.hours),
        stops_after=row.stop_after,
        cancel_on=frozenset(map(CancelOn, row.cancel_on)),
        failures=row.failures,
        keeps_hours=row.kind == Workflow.Kind.SEQUENCE and row.hours == Workflow.Hours.OPEN,
    )
