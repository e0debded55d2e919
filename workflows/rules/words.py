"""A rule in words, as the pages show it: when, if, then; and why a rule acted or did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from activity.registry import EVENTS
from activity.rules import ACTIONS, OPERATORS
from customers.people.assignment import How
from workflows.models import Workflow
from workflows.rules.comparing import is_empty
from workflows.rules.conditions import AskedField, Comparison, Condition, InvalidConditions, parse
from workflows.rules.fields import choices_of, fields_of, own_fields, trigger_of
from workflows.rules.planning import Reason
from workflows.rules.reading import Known
from workflows.rules.steps import BRANCH, SPLIT, WAIT, CancelOn, Then, entries, inner_of

REASONS: Mapping[str, str | Promise] = {
    Reason.MATCHED: gettext_lazy("It acts."),
    Reason.CONDITIONS: gettext_lazy("A condition does not hold."),
    Reason.HOURS: gettext_lazy("It happened at other hours than the rule is for."),
    Reason.ONCE: gettext_lazy("It acted for this customer before."),
    Reason.OWN_EVENT: gettext_lazy("The rule did this itself."),
    Reason.DEPTH: gettext_lazy("Rules had caused one another too often."),
    Reason.STOPPED: gettext_lazy("A rule before it stopped the rest."),
}
HOURS: Mapping[str, str | Promise] = {
    Workflow.Hours.OPEN: gettext_lazy("only within business hours"),
    Workflow.Hours.CLOSED: gettext_lazy("only outside business hours"),
}

STEP_LABELS: Mapping[str, str | Promise] = {
    WAIT: gettext_lazy("Wait"),
    BRANCH: gettext_lazy("Choose by conditions"),
    SPLIT: gettext_lazy("Choose by chance"),
}
# After "What waits ends when".
CAUSES: Mapping[str, str | Promise] = {
    CancelOn.REPLY: gettext_lazy("the customer writes"),
    CancelOn.ANSWER: gettext_lazy("one of yours writes"),
    CancelOn.ASSIGNMENT: gettext_lazy("the owner changes"),
    CancelOn.STAGE: gettext_lazy("the stage changes"),
    CancelOn.OUTCOME: gettext_lazy("a result is recorded"),
    CancelOn.OPT_OUT: gettext_lazy("the customer opts out"),
}

# Who of a team gets a customer.
HOW: Mapping[str, str | Promise] = {
    How.IN_TURN: gettext_lazy("In turn"),
    How.LEAST_BUSY: gettext_lazy("Whoever has the fewest customers"),
}

# In a sentence these read otherwise than in a list of operators.
IN_SENTENCES: Mapping[str, str | Promise] = {
    "": gettext_lazy("is"),
    "eq": gettext_lazy("is"),
    "contains": gettext_lazy("contains exactly"),
    "icontains": gettext_lazy("contains"),
}


@dataclass(frozen=True, slots=True)
class Sentences:
    """A rule in words: the trigger, a line for each condition, a line for each action."""

    when: str
    conditions: Sequence[str]
    actions: Sequence[str]


class Words:
    """The words of the open organization: four queries for fields and their values, five for what actions name."""

    def __init__(self) -> None:
        self.own = own_fields()
        self.choices = choices_of(self.own)
        self.known = Known.of_organization()

    def of(self, workflow: Workflow) -> Sentences:
        """The rule as it is."""
        declared = EVENTS.get(workflow.trigger_event)
        fields = self.fields(workflow.trigger_event)
        try:
            conditions = list(self._lines(parse(workflow.conditions), fields))
        except InvalidConditions as error:
            conditions = [str(error)]
        conditions += [str(HOURS[workflow.hours])] if workflow.hours in HOURS else []
        conditions += [_("only once for a customer")] if workflow.is_once else []
        when = str(declared.description) if declared is not None else workflow.trigger_event
        actions = list(self.steps(workflow.actions, fields))
        if workflow.cancel_on:
            causes = _(" or ").join(str(CAUSES[name]) for name in workflow.cancel_on if name in CAUSES)
            actions.append(_("What waits ends when %(causes)s") % {"causes": causes})
        actions += [_("the rules after it do nothing")] if workflow.stop_after else []
        return Sentences(when, conditions, actions)

    def fields(self, trigger_event: str) -> Mapping[str, AskedField]:
        """What conditions may ask for with this trigger; nothing where there is no such trigger any more."""
        trigger = trigger_of(trigger_event)
        return fields_of(trigger, self.own, self.choices) if trigger is not None else {}

    def seen(self, row: Mapping[str, object], fields: Mapping[str, AskedField]) -> dict[str, object]:
        """What a comparison of a run or trial saw: its text, the value, whether it held."""
        name = str(row["field"])
        text = self.comparison(name, str(row["op"]), row["value"], fields.get(name))
        field = fields.get(name)
        value = _("nothing") if is_empty(row["seen"]) else _shown(row["seen"], field.choices if field else None)
        return {"text": text, "seen": value, "holds": row["holds"]}

    def steps(self, actions: Sequence[Mapping[str, object]], fields: Mapping[str, AskedField]) -> Iterable[str]:
        """A line for each step; what stands in a branch begins with a dash."""
        for entry in actions:
            name = entry.get("action")
            if name == WAIT:
                yield self._wait(entry, fields)
            elif name in (BRANCH, SPLIT):
                yield from self._branches(entry, fields)
            else:
                yield self.action(entry)

    def _branches(self, entry: Mapping[str, object], fields: Mapping[str, AskedField]) -> Iterable[str]:
        for number, inner in enumerate(inner_of(entry)):
            if entry["action"] == SPLIT:
                yield _("%(share)s %% of the time:") % {"share": inner["share"]}
            else:
                text = _("If %(conditions)s:") if number == 0 else _("Else if %(conditions)s:")
                yield text % {"conditions": self._asked(inner["conditions"], fields)}
            yield from self._inside(entries(inner), fields)
        if otherwise := entries(entry, "otherwise"):
            yield _("Else:")
            yield from self._inside(otherwise, fields)

    def _inside(self, actions: Sequence[Mapping[str, object]], fields: Mapping[str, AskedField]) -> Iterable[str]:
        lines = list(self.steps(actions, fields)) or [_("nothing")]
        return (f"– {line}" for line in lines)

    def _wait(self, entry: Mapping[str, object], fields: Mapping[str, AskedField]) -> str:
        if "until" in entry:
            return _("Wait for business hours")
        if "minutes" in entry:
            return _("Wait %(time)s") % {"time": length_in_words(_number(entry, "minutes"))}
        if "quiet_minutes" in entry:
            quiet = length_in_words(_number(entry, "quiet_minutes"))
            text = _("Wait until nothing happened for %(time)s") % {"time": quiet}
        else:
            text = _("Wait until %(conditions)s") % {"conditions": self._asked(entry.get("conditions"), fields)}
        ends = _("then end") if entry.get("then") == Then.STOP else _("then go on")
        time = length_in_words(_number(entry, "timeout_minutes"))
        longest = _("%(time)s at most, %(ends)s") % {"time": time, "ends": ends}
        return f"{text}, {longest}"

    def _asked(self, data: object, fields: Mapping[str, AskedField]) -> str:
        try:
            return _(" and ").join(self._lines(parse(data), fields)) or _("always")
        except InvalidConditions as error:
            return str(error)

    def action(self, entry: Mapping[str, object]) -> str:
        """An action with its parameters."""
        if entry.get("action") in STEP_LABELS:
            return str(STEP_LABELS[str(entry["action"])])
        action = ACTIONS.get(str(entry.get("action", "")))
        label = str(action.label) if action is not None else str(entry.get("action", ""))
        named = self._named(entry)
        timed = [text for text in (_delay(entry), _due(entry)) if text]
        if "team" in entry:
            timed.append(str(HOW.get(str(entry.get("how", How.IN_TURN)), entry.get("how"))).lower())
        if entry.get("cancel_on_inbound") is True:
            timed.append(_("unless they write before"))
        return ", ".join([f"{label}: {named}" if named else label, *timed])

    def _named(self, entry: Mapping[str, object]) -> str:
        labels = {
            "template": self.known.templates,
            "stage": self.known.stages,
            "to": self.known.members,
            "sequence": self.known.sequences,
            "team": self.known.teams,
        }
        for name in ("template", "stage", "to", "team", "sequence", "tag", "title", "body", "text", "status"):
            if name in entry:
                value = str(entry[name])
                return f"“{labels.get(name, {}).get(value, value)}”"
        return ""

    def _lines(self, condition: Condition, fields: Mapping[str, AskedField]) -> Iterable[str]:
        if isinstance(condition, Comparison):
            yield self.comparison(condition.field, condition.operator, condition.value, fields.get(condition.field))
        elif condition.how == "all":
            for part in condition.parts:
                yield from self._lines(part, fields)
        else:
            parts = [" ".join(self._lines(part, fields)) for part in condition.parts]
            joined = _(" or ").join(parts)
            yield _("not: %(parts)s") % {"parts": joined} if condition.how == "not" else joined

    def comparison(self, name: str, operator: str, value: object, field: AskedField | None) -> str:
        """“Stage is one of “New”, “Engaged””."""
        label = field.label if field is not None else name
        if operator == "isnull":
            return f"{label} {_('is empty') if value is True else _('is not empty')}"
        word = str(IN_SENTENCES.get(operator) or OPERATORS.get(operator, operator))
        return f"{label} {word} {_shown(value, field.choices if field is not None else None)}"


def _shown(value: object, choices: Mapping[str, str] | None) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_shown(entry, choices) for entry in value)
    if value is None:
        return _("empty")
    text = (choices or {}).get(str(value), str(value))
    return text if isinstance(value, int | float) else f"“{text}”"


def _delay(entry: Mapping[str, object]) -> str:
    minutes = entry.get("delay_minutes")
    return _("after %(time)s") % {"time": length_in_words(minutes)} if isinstance(minutes, int) and minutes else ""


def _due(entry: Mapping[str, object]) -> str:
    minutes = entry.get("due_in_minutes", entry.get("minutes", 0))
    days = entry.get("days", 0)
    length = (minutes if isinstance(minutes, int) else 0) + 1440 * (days if isinstance(days, int) else 0)
    return _("in %(time)s") % {"time": length_in_words(length)} if length else ""


def _number(entry: Mapping[str, object], name: str) -> int:
    value = entry.get(name)
    return value if isinstance(value, int) else 0


def length_in_words(minutes: int) -> str:
    days, rest = divmod(minutes, 1440)
    hours, rest = divmod(rest, 60)
    parts = [
        ngettext("%(count)d day", "%(count)d days", days) % {"count": days} if days else "",
        ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours} if hours else "",
        ngettext("%(count)d minute", "%(count)d minutes", rest) % {"count": rest} if rest else "",
    ]
    return " ".join(part for part in parts if part)
