"""What rules can be made of: triggers, fields of conditions with their operators, actions with their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from activity.payloads import Kind
from activity.registry import EVENTS
from activity.rules import ACTIONS, OPERATORS, OPERATORS_OF, Action
from customers.models import Customer, CustomField, Task
from workflows.rules import fields
from workflows.rules.conditions import AskedField
from workflows.rules.parameters import ParameterWords, words_for
from workflows.rules.performing import PERFORMERS
from workflows.rules.reading import Known
from workflows.rules.steps import BRANCH, CONTROL, SPLIT, WAIT, Then
from workflows.rules.words import CAUSES, HOW, STEP_LABELS


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that rules may begin with, and the names of the fields that its conditions may ask for."""

    event_type: str
    description: str
    condition_fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    kind: str
    operators: Sequence[str]
    choices: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str
    is_required: bool
    choices: Mapping[str, str] | None

    @property
    def words(self) -> ParameterWords:
        return words_for(self.name)

    @property
    def label(self) -> str:
        return str(self.words.label)


@dataclass(frozen=True, slots=True)
class OfferedAction:
    name: str
    label: str
    parameters: Sequence[Parameter]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What there is in the open organization."""

    triggers: Sequence[Trigger]
    condition_fields: Sequence[Field]
    operators: Mapping[str, str]
    actions: Sequence[OfferedAction]
    control_steps: Sequence[OfferedAction]
    cancel_on: Mapping[str, str]


def catalog() -> Catalog:
    """The same number of queries for any number of triggers, fields and actions."""
    own = fields.own_fields()
    return catalog_of(own, fields.choices_of(own), Known.of_organization())


def catalog_of(own: Sequence[CustomField], choices: Mapping[str, Mapping[str, str]], known: Known) -> Catalog:
    """The same with the own fields, the values of fields and what actions may name at hand; no query."""
    triggers, asked = [], dict[str, AskedField]()
    for declared in EVENTS:
        if declared.is_trigger:
            offered = fields.fields_of(declared, own, choices)
            asked |= offered
            triggers.append(Trigger(declared.event_type, str(declared.description), list(offered)))
    return Catalog(
        triggers,
        [
            Field(field.name, field.label, field.kind.value, OPERATORS_OF[field.kind], field.choices)
            for field in asked.values()
        ],
        {name: str(label) for name, label in OPERATORS.items()},
        [_offered(action, known) for action in ACTIONS if action.name in PERFORMERS],
        _control_steps(),
        {cause: str(label) for cause, label in CAUSES.items()},
    )


def _control_steps() -> Sequence[OfferedAction]:
    """What may stand between the actions; of a wait exactly one of its first four parameters."""
    wait = (
        Parameter("minutes", Kind.NUMBER.value, False, None),
        Parameter("until", Kind.KEY.value, False, {"open": _("next business hours")}),
        Parameter("quiet_minutes", Kind.NUMBER.value, False, None),
        Parameter("conditions", Kind.OBJECT.value, False, None),
        Parameter("timeout_minutes", Kind.NUMBER.value, False, None),
        Parameter("then", Kind.KEY.value, False, {Then.STOP.value: _("end"), Then.CONTINUE.value: _("go on")}),
    )
    branches = Parameter("branches", Kind.LIST.value, True, None)
    otherwise = Parameter("otherwise", Kind.LIST.value, False, None)
    parameters = {WAIT: wait, BRANCH: (branches, otherwise), SPLIT: (branches,)}
    return [OfferedAction(name, str(STEP_LABELS[name]), parameters[name]) for name in CONTROL]


def _offered(action: Action, known: Known) -> OfferedAction:
    choices: Mapping[str, Mapping[str, str]] = {
        "template": known.templates,
        "stage": known.stages,
        "to": known.members,
        "team": known.teams,
        "how": {str(how): str(label) for how, label in HOW.items()},
        "sequence": known.sequences,
        "channel": fields.CHANNELS,
        "priority": {value: str(label) for value, label in Task.Priority.choices},
        "status": {value: str(label) for value, label in Customer.Status.choices},
    }
    return OfferedAction(
        action.name,
        str(action.label),
        [
            Parameter(name, kind.value, name in action.needs, choices.get(name))
            for name, kind in {**action.needs, **action.takes}.items()
        ],
    )
