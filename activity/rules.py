"""The words of rules: what a condition asks and how, and what an action needs. Apps register them, as they do events.

What a condition's value is, and what an action does, belongs to those who run rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind
from core.registry import Registry

# A condition without an operator asks whether the two are equal.
OPERATORS: dict[str, str | Promise] = {
    "neq": _("is not"),
    "contains": _("contains"),
    "icontains": _("contains, in any case"),
    "in": _("is one of"),
    "gt": _("is more than"),
    "lt": _("is less than"),
    "isnull": _("is empty"),
}
_OF_WORDS = ("neq", "contains", "icontains", "in", "isnull")
OPERATORS_OF: dict[Kind, tuple[str, ...]] = {
    **dict.fromkeys((Kind.KEY, Kind.ID), ("neq", "in", "isnull")),
    **dict.fromkeys((Kind.LABEL, Kind.TEXT, Kind.LIST), _OF_WORDS),
    **dict.fromkeys((Kind.NUMBER, Kind.AMOUNT, Kind.TIME), ("neq", "in", "gt", "lt", "isnull")),
    Kind.BOOLEAN: ("neq",),
}


@dataclass(frozen=True, slots=True)
class ConditionField:
    """A field of an event, or of its subject, that a condition can compare."""

    name: str
    label: str | Promise
    kind: Kind

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators for its kind, beside equality."""
        return OPERATORS_OF[self.kind]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a rule does: the parameters that it needs and those that it may have, each with its kind."""

    name: str
    label: str | Promise
    needs: Mapping[str, Kind] = field(default_factory=dict)
    takes: Mapping[str, Kind] = field(default_factory=dict)


CONDITION_FIELDS: Registry[ConditionField] = Registry(
    "Fields of conditions", name=lambda field: field.name, order=lambda field: field.name,
    describe=lambda field: f"{field.label}: {', '.join(field.operators)}",
)  # fmt: skip
ACTIONS: Registry[Action] = Registry(
    "Actions of rules", name=lambda action: action.name,
    describe=lambda action: f"{action.label}: {', '.join([*action.needs, *action.takes])}",
)  # fmt: skip
# A field that an organization defined is asked for under its key.
OWN_FIELD_PREFIX = "custom."


def is_condition_field(name: str) -> bool:
    """Whether a condition may name this field."""
    return name in CONDITION_FIELDS or name.startswith(OWN_FIELD_PREFIX)
