"""The steps of a sequence as somebody sees them: after so long this is done. Stored as a rule's are, a wait and an
action in turn, so that one engine runs both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypedDict, cast

from django.utils.translation import gettext as _

from workflows.rules.reading import InvalidWorkflow
from workflows.rules.steps import MAX_STEPS, WAIT

MAX_SEQUENCE_STEPS: Final = MAX_STEPS // 2


class SequenceStep(TypedDict):
    """`delay_minutes` after the step before, or after the beginning; `action`: its name with its parameters. It may be
    a step that chooses or waits for something, as rules have them."""

    delay_minutes: int
    action: Mapping[str, object]


def to_actions(steps: object) -> list[Mapping[str, object]]:
    """The steps as a rule stores them; the actions are checked there. Raises InvalidWorkflow with the step's place."""
    if not isinstance(steps, list) or not 0 < len(steps) <= MAX_SEQUENCE_STEPS:
        text = _("A list of 1 to %(count)s steps is needed.") % {"count": MAX_SEQUENCE_STEPS}
        raise InvalidWorkflow("steps", text)
    result: list[Mapping[str, object]] = []
    for number, step in enumerate(steps):
        place = f"steps[{number}]"
        if not isinstance(step, Mapping):
            raise InvalidWorkflow(place, _("An object is needed."))
        delay, action = step.get("delay_minutes", 0), step.get("action")
        if isinstance(action, str):
            # The short spelling: the action's parameters stand beside its name.
            action = {name: value for name, value in step.items() if name != "delay_minutes"}
        elif unknown := sorted(str(name) for name in step if name not in ("delay_minutes", "action")):
            raise InvalidWorkflow(f"{place}.{unknown[0][:40]}", _("A step has delay_minutes and an action."))
        if not isinstance(action, Mapping):
            raise InvalidWorkflow(f"{place}.action", _("An object is needed."))
        result += [{"action": WAIT, "minutes": delay}, dict(action)]
    return result


def place_of(field: str) -> str:
    """The place in a sequence's steps of a place in a rule's actions: `actions[3].body` is `steps[1].action.body`."""
    if not field.startswith("actions["):
        return "steps" if field == "actions" else field
    number, _bracket, rest = field.removeprefix("actions[").partition("]")
    if int(number) % 2 == 0:
        return f"steps[{int(number) // 2}].delay_minutes"
    return f"steps[{int(number) // 2}].action{rest}"


def to_steps(actions: Sequence[Mapping[str, object]]) -> list[SequenceStep]:
    """The steps of what is stored."""
    pairs = zip(actions[::2], actions[1::2], strict=True)
    return [{"delay_minutes": cast("int", wait["minutes"]), "action": action} for wait, action in pairs]


def in_pairs(actions: Sequence[Mapping[str, object]]) -> list[SequenceStep]:
    """The steps of a list in which waits of a length may stand or be missing, as somebody writes it."""
    result: list[SequenceStep] = []
    delay = 0
    for entry in actions:
        if entry.get("action") == WAIT and isinstance(entry.get("minutes"), int):
            delay += cast("int", entry["minutes"])
        else:
            result.append({"delay_minutes": delay, "action": entry})
            delay = 0
    return result


def without_pairs(actions: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The same list as somebody would write it: without waits for nothing."""
    return [entry for entry in actions if not (entry.get("action") == WAIT and entry.get("minutes") == 0)]


def path_of_step(number: int) -> str:
    """Where the wait before a step (from 0) stands in the rule."""
    return str(2 * number)


def step_at(path: str) -> int:
    """The number of the step (from 0) whose wait or action stands there, or inside of which it stands."""
    return int(path.partition(".")[0]) // 2
