"""What of a rehearsal is judged by how things are today, since nobody wrote down how they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.events import CALENDAR_CLOSED, CALENDAR_DELETED, CALENDAR_REOPENED, CALENDAR_UPDATED
from activity.models import Event
from customers.events import TAG_CHANGED, TAG_DELETED
from workflows.models import Rehearsal, Workflow
from workflows.rules.conditions import Condition, InvalidConditions, comparisons, parse
from workflows.rules.planning import BUSINESS_HOURS
from workflows.rules.steps import every_entry, inner_of

TAGS: Final = "customer_tags"
TEXTS: Final = "texts"
CALENDARS: Final = (CALENDAR_CLOSED, CALENDAR_DELETED, CALENDAR_REOPENED, CALENDAR_UPDATED)
LABELS: Final[Mapping[str, str | Promise]] = {
    BUSINESS_HOURS: _("business hours (the calendar was changed since)"),
    TAGS: _("tags (some were renamed or deleted since)"),
    TEXTS: _("what stands for placeholders in texts"),
}


def judged_by_today(rehearsal: Rehearsal, rule: Workflow) -> list[str]:
    """The keys of LABELS that are true of this rule and span; three queries at most."""
    names = {one.field for condition in _conditions(rule) for one in comparisons(condition)}
    steps = list(every_entry(rule.actions))
    needs_hours = BUSINESS_HOURS in names or rule.hours != Workflow.Hours.ANY or any("until" in step for step in steps)
    result = []
    if needs_hours and _happened(rehearsal, CALENDARS):
        result.append(BUSINESS_HOURS)
    if TAGS in names and _happened(rehearsal, (TAG_CHANGED, TAG_DELETED)):
        result.append(TAGS)
    if any("{{" in str(value) for step in steps for value in step.values() if isinstance(value, str)):
        result.append(TEXTS)
    return result


def _happened(rehearsal: Rehearsal, types: Iterable[str]) -> bool:
    rows = Event.objects.filter(organization=rehearsal.organization, type__in=types)
    return bool(rows.filter(occurred_at__gte=rehearsal.since).exists())


def _conditions(rule: Workflow) -> Iterator[Condition]:
    """Those of the rule, of its waits and of its branches; what nobody can parse any more asks nothing."""
    data = [rule.conditions]
    for step in every_entry(rule.actions):
        data += [step["conditions"]] if "conditions" in step else []
        data += [inner["conditions"] for inner in inner_of(step) if "conditions" in inner]
    for one in data:
        try:
            yield parse(one)
        except InvalidConditions:
            continue
