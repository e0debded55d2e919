"""The content of a rule as somebody sends it, checked against what the organization has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from activity.registry import triggers
from activity.rules import ACTIONS, Action
from core.fields import one_line
from core.refused import Invalid, Refused
from customers.models import Customer, Task
from customers.people.assignment import How
from messaging.channels.base import Kind as ChannelKind
from messaging.models import Template
from messaging.texts import placeholders
from workflows.models import Workflow
from workflows.rules import conditions, fields, steps
from workflows.rules.comparing import EQUALS
from workflows.rules.conditions import AskedField
from workflows.rules.performing import PERFORMERS

MAX_ACTIONS: Final = steps.MAX_STEPS
MAX_SHARES: Final = 5
# They are written down with every event that the rule looks at.
MAX_CONDITIONS_LENGTH: Final = 10_000
# A field of the event of a date, and how many days before or after it rules can ask for.
DAYS_UNTIL: Final = "days_until"
MAX_DAYS_UNTIL: Final = 30
MAX_NAME_LENGTH: Final = 120
MAX_BODY_LENGTH: Final = 4096
MAX_TITLE_LENGTH: Final = 200
MAX_TAG_LENGTH: Final = 50
# Ten years.
MAX_MINUTES: Final = 10 * 366 * 24 * 60


class InvalidWorkflow(Invalid):
    """The rule can't be saved; the field is the place in it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the parameters of actions may name in the organization: keys with their labels."""

    stages: Mapping[str, str]
    members: Mapping[str, str]
    templates: Mapping[str, str]
    sequences: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_organization(cls) -> Known:
        """Of the organization that is open; five queries."""
        sequences = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE).order_by("name").values_list("pk", "name")
        templates = dict(Template.objects.order_by("-name").values_list("key", "name"))
        names = {str(pk): name for pk, name in sequences}
        return cls(fields.stages(), fields.members(), templates, names, fields.teams())


Params = Mapping[str, object]
Check = Callable[[object, Known], object]


def name(text: str) -> str:
    """The name on one line. Raises InvalidWorkflow."""
    result = one_line(text)
    if not 0 < len(result) <= MAX_NAME_LENGTH:
        raise InvalidWorkflow("name", _("1 to %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    return result


def trigger(event_type: object) -> str:
    """Raises InvalidWorkflow for what rules can't begin with."""
    if not isinstance(event_type, str) or fields.trigger_of(event_type) is None:
        text = _("“%(name)s” is no trigger. Use one of: %(names)s.")
        raise InvalidWorkflow("trigger_event", text % {"name": str(event_type)[:64], "names": ", ".join(triggers())})
    return event_type


Asked = Mapping[str, AskedField]


def asked_fields(trigger_event: str) -> Asked:
    """What conditions may ask for with the trigger; in the open organization. Raises InvalidWorkflow."""
    declared = fields.trigger_of(trigger(trigger_event))
    assert declared is not None  # noqa: S101 - `trigger` has just asked
    return fields.asked_fields(declared)


def _require_days(comparison: conditions.Comparison, place: str) -> None:
    """Dates are looked for on the days that rules name, and on no others. Raises InvalidWorkflow."""
    values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
    are_days = all(type(value) is int and abs(value) <= MAX_DAYS_UNTIL for value in values)
    if comparison.operator not in (EQUALS, "eq", "in") or not are_days:
        text = _("Days until a date are whole numbers from -%(most)d to %(most)d, one or a list of them.")
        raise InvalidWorkflow(place, text % {"most": MAX_DAYS_UNTIL})


def check_conditions(data: object, asked: Asked, place: str = "conditions") -> None:
    """Raises InvalidConditions for what the trigger does not offer."""
    if len(json.dumps(data, cls=DjangoJSONEncoder)) > MAX_CONDITIONS_LENGTH:
        text = _("At most %(count)s characters altogether.") % {"count": MAX_CONDITIONS_LENGTH}
        raise InvalidWorkflow(place, text)
    parsed = conditions.parse(data, path=place)
    conditions.check(parsed, asked, path=place)
    for one in conditions.comparisons(parsed):
        if one.field == DAYS_UNTIL:
            _require_days(one, place)


def actions(data: object, known: Known, asked: Asked) -> list[dict[str, object]]:
    """The steps as they are stored. Raises InvalidWorkflow or InvalidConditions, whose field names the step and its
    parameter (`actions[1].template`, `actions[2].branches[0].actions[1].tag`)."""
    result = _steps(data, "actions", known, asked, nesting=0)
    if sum(1 for _entry in steps.every_entry(result)) > steps.MAX_STEPS:
        raise InvalidWorkflow("actions", _("At most %(count)s steps altogether.") % {"count": steps.MAX_STEPS})
    return result


def cancel_on(data: object) -> list[str]:
    """What ends a run that waits, each once. Raises InvalidWorkflow."""
    if not isinstance(data, list) or not all(isinstance(entry, str) and entry in _CAUSES for entry in data):
        raise InvalidWorkflow("cancel_on", _("A list of these: %(names)s.") % {"names": ", ".join(_CAUSES)})
    return [cause for cause in _CAUSES if cause in data]


_CAUSES: Final = tuple(cause.value for cause in steps.CancelOn)


def _steps(
    data: object, place: str, known: Known, asked: Asked, nesting: int, least: int = 1
) -> list[dict[str, object]]:
    if not isinstance(data, list) or not least <= len(data) <= MAX_ACTIONS:
        raise InvalidWorkflow(place, _("A list of 1 to %(count)s actions is needed.") % {"count": MAX_ACTIONS})
    return [_step(entry, f"{place}[{number}]", known, asked, nesting) for number, entry in enumerate(data)]


def _step(data: object, place: str, known: Known, asked: Asked, nesting: int) -> dict[str, object]:
    if not isinstance(data, Mapping):
        raise InvalidWorkflow(place, _("An object is needed."))
    name = data.get("action")
    if name == steps.WAIT:
        return _wait(data, place, asked)
    if name in (steps.BRANCH, steps.SPLIT):
        if nesting >= steps.MAX_NESTING:
            raise InvalidWorkflow(place, _("Branches go at most %(count)s deep.") % {"count": steps.MAX_NESTING})
        return (_branch if name == steps.BRANCH else _split)(data, place, known, asked, nesting + 1)
    return _action(data, place, known)


def _wait(data: Params, place: str, asked: Asked) -> dict[str, object]:
    ways = ("minutes", "until", "quiet_minutes", "conditions")
    chosen = [name for name in ways if name in data]
    if len(chosen) != 1:
        raise InvalidWorkflow(place, _("Say one of: %(names)s.") % {"names": ", ".join(ways)})
    (way,) = chosen
    may_time_out = way in ("quiet_minutes", "conditions")
    _require_known(data, place, {"action", way, *(("timeout_minutes", "then") if may_time_out else ())})
    result: dict[str, object] = {"action": steps.WAIT}
    if way == "until":
        if data["until"] != "open":
            raise InvalidWorkflow(f"{place}.until", _("Use “open”: the next business hours."))
        result["until"] = "open"
    elif way == "conditions":
        check_conditions(data["conditions"], asked, f"{place}.conditions")
        result["conditions"] = data["conditions"]
    else:
        # Of nothing: the steps of a sequence may follow one another at once.
        result[way] = _length(data, way, place, least=0 if way == "minutes" else 1)
    if may_time_out:
        result["timeout_minutes"] = _length(data, "timeout_minutes", place)
        then = data.get("then", steps.Then.STOP.value)
        if then not in list(steps.Then):
            raise InvalidWorkflow(f"{place}.then", _("Use one of: %(names)s.") % {"names": ", ".join(steps.Then)})
        result["then"] = str(then)
    return result


def _branch(data: Params, place: str, known: Known, asked: Asked, nesting: int) -> dict[str, object]:
    _require_known(data, place, {"action", "branches", "otherwise"})
    branches: list[dict[str, object]] = []
    for number, entry in enumerate(_list_of_objects(data, place)):
        here = f"{place}.branches[{number}]"
        _require_known(entry, here, {"conditions", "actions"})
        check_conditions(entry.get("conditions", {}), asked, f"{here}.conditions")
        inner = _steps(entry.get("actions"), f"{here}.actions", known, asked, nesting, least=0)
        branches.append({"conditions": entry.get("conditions", {}), "actions": inner})
    otherwise = _steps(data.get("otherwise", []), f"{place}.otherwise", known, asked, nesting, least=0)
    return {"action": steps.BRANCH, "branches": branches, "otherwise": otherwise}


def _split(data: Params, place: str, known: Known, asked: Asked, nesting: int) -> dict[str, object]:
    _require_known(data, place, {"action", "branches"})
    branches: list[dict[str, object]] = []
    for number, entry in enumerate(_list_of_objects(data, place)):
        here = f"{place}.branches[{number}]"
        _require_known(entry, here, {"share", "actions"})
        share = entry.get("share")
        if not isinstance(share, int) or isinstance(share, bool) or not 1 <= share <= 100:
            raise InvalidWorkflow(f"{here}.share", _("A whole number from 1 to 100 is needed."))
        inner = _steps(entry.get("actions"), f"{here}.actions", known, asked, nesting, least=0)
        branches.append({"share": share, "actions": inner})
    if sum(cast("int", entry["share"]) for entry in branches) != 100:
        raise InvalidWorkflow(f"{place}.branches", _("The shares have to be 100 together."))
    return {"action": steps.SPLIT, "branches": branches}


def _list_of_objects(data: Params, place: str) -> list[Params]:
    rows = data.get("branches")
    if (
        not isinstance(rows, list)
        or not 0 < len(rows) <= MAX_SHARES
        or not all(isinstance(row, Mapping) for row in rows)
    ):
        text = _("A list of 1 to %(count)s branches is needed.")
        raise InvalidWorkflow(f"{place}.branches", text % {"count": MAX_SHARES})
    return rows


def _require_known(data: Params, place: str, names: set[str]) -> None:
    if unknown := sorted(str(name) for name in data if name not in names):
        text = _("This takes %(names)s.") % {"names": ", ".join(sorted(names - {"action"}))}
        raise InvalidWorkflow(f"{place}.{unknown[0][:40]}", text)


def _length(data: Params, name: str, place: str, least: int = 1) -> int:
    try:
        result = _whole(data.get(name), MAX_MINUTES)
        if result < least:
            raise ValueError(_("At least one minute."))
    except ValueError as error:
        raise InvalidWorkflow(f"{place}.{name}", str(error)) from error
    return result


def _action(data: Params, place: str, known: Known) -> dict[str, object]:
    action = ACTIONS.get(str(data.get("action", "")))
    if action is None or action.name not in PERFORMERS:
        text = _("“%(name)s” is no action. Use one of: %(names)s.")
        names = ", ".join([*PERFORMERS.names(), *steps.CONTROL])
        values = {"name": str(data.get("action"))[:40], "names": names}
        raise InvalidWorkflow(f"{place}.action", text % values)
    params = {str(name): value for name, value in data.items() if name != "action"}
    _require_names(action, params, place)
    if action.name == "assign":
        _require_somebody(params, place)
    checked: dict[str, object] = {"action": action.name}
    for name, value in params.items():
        try:
            checked[name] = PARAMETERS[name](value, known)
        except ValueError as error:
            raise InvalidWorkflow(f"{place}.{name}", str(error)) from error
        except Refused as refused:
            raise InvalidWorkflow(f"{place}.{name}", str(refused)) from refused
    return checked


def _require_names(action: Action, params: Params, place: str) -> None:
    for name in action.needs:
        if name not in params:
            raise InvalidWorkflow(f"{place}.{name}", _("This is needed."))
    for name in params:
        if name not in action.needs and name not in action.takes:
            names = ", ".join([*action.needs, *action.takes]) or _("nothing")
            text = _("“%(action)s” takes %(names)s.") % {"action": action.name, "names": names}
            raise InvalidWorkflow(f"{place}.{name[:40]}", text)


def _require_somebody(params: Params, place: str) -> None:
    """Of a person and a team one. Raises InvalidWorkflow."""
    if "to" in params and "team" in params:
        raise InvalidWorkflow(f"{place}.team", _("Name a person or a team, not both."))
    if "to" not in params and "team" not in params:
        raise InvalidWorkflow(f"{place}.to", _("Name a person or a team."))
    if "how" in params and "team" not in params:
        raise InvalidWorkflow(f"{place}.how", _("This says who of a team: name one."))


def _text(most: int, *, is_filled: bool = False, is_line: bool = False, is_empty_fine: bool = False) -> Check:
    """A text of at most so many characters; `is_filled`: with placeholders that have to be written rightly."""

    def check(value: object, known: Known) -> object:
        if not isinstance(value, str):
            raise ValueError(_("A text is needed."))
        text = one_line(value) if is_line else value.strip()
        if len(text) > most or not (text or is_empty_fine):
            raise ValueError(_("1 to %(count)s characters.") % {"count": most})
        if is_filled:
            placeholders.parse(text)
        return text

    return check


def _one_of(choices: Callable[[Known], Mapping[str, str]]) -> Check:
    def check(value: object, known: Known) -> object:
        names = choices(known)
        if not isinstance(value, str) or value not in names:
            text = _("“%(value)s” is none of: %(names)s.")
            shown = ", ".join(list(names)[:50]) or _("none there yet")
            raise ValueError(text % {"value": str(value)[:60], "names": shown})
        return value

    return check


def _minutes(value: object, known: Known) -> object:
    return _whole(value, MAX_MINUTES)


def _days(value: object, known: Known) -> object:
    return _whole(value, MAX_MINUTES // (24 * 60))


def _whole(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(_("A whole number from 0 to %(count)s is needed.") % {"count": most})
    return value


def _flag(value: object, known: Known) -> object:
    if not isinstance(value, bool):
        raise ValueError(_("true or false is needed."))
    return value


def _labels(choices: list[tuple[str, str]]) -> Mapping[str, str]:
    return {value: str(label) for value, label in choices}


# By its name a parameter means the same in every action. A test holds that each declared one is here.
PARAMETERS: Mapping[str, Check] = {
    "template": _one_of(lambda known: known.templates),
    "body": _text(MAX_BODY_LENGTH, is_filled=True),
    "delay_minutes": _minutes,
    "cancel_on_inbound": _flag,
    "channel": _one_of(lambda known: {kind.value: kind.value for kind in ChannelKind}),
    "tag": _text(MAX_TAG_LENGTH, is_line=True),
    "stage": _one_of(lambda known: known.stages),
    "days": _days,
    "minutes": _minutes,
    "to": _one_of(lambda known: known.members),
    "team": _one_of(lambda known: known.teams),
    "how": _one_of(lambda known: {how.value: how.value for how in How}),
    "title": _text(MAX_TITLE_LENGTH, is_filled=True, is_line=True),
    "due_in_minutes": _minutes,
    "priority": _one_of(lambda known: _labels(Task.Priority.choices)),
    "description": _text(5000, is_filled=True, is_empty_fine=True),
    "status": _one_of(lambda known: _labels(Customer.Status.choices)),
    "sequence": _one_of(lambda known: known.sequences),
    "text": _text(500, is_filled=True, is_line=True),
}


def content_of(workflow: Workflow) -> dict[str, object]:
    """What a version keeps of a rule."""
    return {name: getattr(workflow, name) for name in CONTENT}


CONTENT: Final = ("name", "trigger_event", "conditions", "actions", "hours", "is_once", "stop_after", "cancel_on")
