"""The content of a rule as somebody sends it, checked against what the organization has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from activity.registry import triggers
from activity.rules import ACTIONS, Action
from core.fields import one_line
from core.refused import Invalid, Refused
from customers.models import Customer, Task
from messaging.channels.base import Kind as ChannelKind
from messaging.models import Template
from messaging.texts import placeholders
from workflows.models import Workflow
from workflows.rules import conditions, fields
from workflows.rules.performing import PERFORMERS

MAX_ACTIONS: Final = 20
# They are written down with every event that the rule looks at.
MAX_CONDITIONS_LENGTH: Final = 10_000
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

    @classmethod
    def of_organization(cls) -> Known:
        """Of the organization that is open; three queries."""
        templates = dict(Template.objects.order_by("-name").values_list("key", "name"))
        return cls(fields.stages(), fields.members(), templates)


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


def check_conditions(trigger_event: str, data: object) -> None:
    """Raises InvalidConditions for what the trigger does not offer; in the open organization."""
    if len(json.dumps(data, cls=DjangoJSONEncoder)) > MAX_CONDITIONS_LENGTH:
        text = _("At most %(count)s characters altogether.") % {"count": MAX_CONDITIONS_LENGTH}
        raise InvalidWorkflow("conditions", text)
    declared = fields.trigger_of(trigger(trigger_event))
    assert declared is not None  # noqa: S101 - `trigger` has just asked
    conditions.check(conditions.parse(data), fields.asked_fields(declared))


def actions(data: object, known: Known) -> list[dict[str, object]]:
    """The actions as they are stored. Raises InvalidWorkflow, whose field names the action and its parameter."""
    if not isinstance(data, list) or not 0 < len(data) <= MAX_ACTIONS:
        raise InvalidWorkflow("actions", _("A list of 1 to %(count)s actions is needed.") % {"count": MAX_ACTIONS})
    return [_action(entry, f"actions[{number}]", known) for number, entry in enumerate(data)]


def _action(data: object, place: str, known: Known) -> dict[str, object]:
    if not isinstance(data, Mapping):
        raise InvalidWorkflow(place, _("An object is needed."))
    action = ACTIONS.get(str(data.get("action", "")))
    if action is None or action.name not in PERFORMERS:
        text = _("“%(name)s” is no action. Use one of: %(names)s.")
        values = {"name": str(data.get("action"))[:40], "names": ", ".join(PERFORMERS.names())}
        raise InvalidWorkflow(f"{place}.action", text % values)
    params = {str(name): value for name, value in data.items() if name != "action"}
    _require_names(action, params, place)
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
    "title": _text(MAX_TITLE_LENGTH, is_filled=True, is_line=True),
    "due_in_minutes": _minutes,
    "priority": _one_of(lambda known: _labels(Task.Priority.choices)),
    "description": _text(5000, is_filled=True, is_empty_fine=True),
    "status": _one_of(lambda known: _labels(Customer.Status.choices)),
    "text": _text(500, is_filled=True, is_line=True),
}


def content_of(workflow: Workflow) -> dict[str, object]:
    """What a version keeps of a rule."""
    return {name: getattr(workflow, name) for name in CONTENT}


CONTENT: Final = ("name", "trigger_event", "conditions", "actions", "hours", "is_once", "stop_after")
