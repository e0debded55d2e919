"""The filters of the list on the page: a chip for each filter in use, and the form that adds more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from customers.models import CustomField, Stage
from customers.people.fields import CUSTOM, FIELDS, Kind
from customers.people.filters.parse import plain_filters
from customers.people.table.columns import day_in_words
from customers.people.table.state import ListState

FROM, TO = "__gte", "__lte"
YES_NO = (("true", "Yes"), ("false", "No"))
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter at work, and the address of the list without it."""

    name: str
    label: str
    value: str
    remove: str


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field of the filter form. `kind`: choice, text, day or number; `until` is the name of a range's end."""

    name: str
    label: str
    kind: str
    value: str = ""
    choices: Choices = ()
    until: str = ""
    until_value: str = ""

    @property
    def key(self) -> str:
        """For ids in the page."""
        return self.name.replace(".", "-")


class Words:
    """The names of ids and keys; made from objects that are loaded already, without queries."""

    def __init__(
        self, *, stages: Sequence[Stage], owners: Sequence[User], fields: Sequence[CustomField], me: User
    ) -> None:
        self.stages, self.owners, self.fields, self.me = stages, owners, {one.key: one for one in fields}, me
        self._choices: Mapping[str, Choices] = {
            "stage": [(stage.key, stage.name) for stage in stages],
            "assigned_to": [("me", "Me"), ("none", "Nobody yet"), *((str(o.pk), name_of(o)) for o in owners)],
            "has_open_task": YES_NO,
            "overdue": YES_NO,
            **{field.name: field.choices for field in plain_filters() if field.kind is Kind.CHOICE},
        }

    def choices(self, name: str) -> Choices:
        return self._choices.get(name, ())

    def value(self, name: str, value: str) -> str:
        """A filter's value, as a person says it."""
        row = dict(self._choices.get(name, ())).get(value)
        if row is not None:
            return row
        custom = self.fields.get(_custom_key(name)) if name.startswith(CUSTOM) else None
        if custom is not None and custom.type == CustomField.Type.BOOLEAN:
            return {"true": "Yes", "false": "No"}.get(value.casefold(), value)
        return day_in_words(value)


def name_of(user: User) -> str:
    return str(user.get_full_name())


# Of the filters that are no field's own.
LABELS = {
    "q": "Search",
    "tag": "Tag",
    "created_from": "Created from",
    "created_to": "Created until",
    "follow_up_before": "Follow-up before",
    "has_open_task": "Has an open task",
    "overdue": "Overdue",
}


def chips_of(state: ListState, words: Words) -> list[Chip]:
    """A chip for every filter but the search, which has its own field; for every tag, one of its own."""
    results = []
    for name, value in state.requested.items():
        if name == "q":
            continue
        for one in value if isinstance(value, list) else [value]:
            without = state.without(name, one if isinstance(value, list) else None)
            results.append(Chip(name, _label(name, words), words.value(name, one), without.query()))
    return results


def form_of(state: ListState, words: Words) -> list[FilterField]:
    """The form's fields, those for the organization's own fields last."""

    def text(name: str) -> str:
        value = state.requested.get(name, "")
        return "" if isinstance(value, list) else str(value)

    def choice(name: str) -> FilterField:
        return FilterField(name, _label(name, words), "choice", text(name), words.choices(name))

    own = plain_filters()
    result = [
        choice("stage"),
        choice("assigned_to"),
        *(choice(field.name) for field in own if field.kind is Kind.CHOICE),
        FilterField("tag", "Tag", "tag"),
        *(FilterField(one.name, str(one.label), "text", text(one.name)) for one in own if one.kind is not Kind.CHOICE),
        FilterField(
            "created_from", "Created", "day", text("created_from")[:10], (), "created_to", text("created_to")[:10]
        ),
        FilterField("follow_up_before", "Follow-up before", "day", text("follow_up_before")[:10]),
        choice("has_open_task"),
        choice("overdue"),
    ]
    return result + [_custom(field, text) for field in words.fields.values()]


def _custom(field: CustomField, text: Callable[[str], str]) -> FilterField:
    name = f"{CUSTOM}{field.key}"
    kind = CustomField.Type(field.type)
    if kind in (CustomField.Type.NUMBER, CustomField.Type.DATE):
        input_kind = "day" if kind == CustomField.Type.DATE else "number"
        least, most = f"{name}{FROM}", f"{name}{TO}"
        return FilterField(least, field.label, input_kind, text(least), (), most, text(most))
    if kind == CustomField.Type.BOOLEAN:
        return FilterField(name, field.label, "choice", text(name), YES_NO)
    if field.has_choices:
        return FilterField(name, field.label, "choice", text(name), [(one, one) for one in field.choices])
    return FilterField(name, field.label, "text", text(name))


def names_in(fields: Sequence[FilterField]) -> list[str]:
    """The names that the form has inputs for; the tags it hands on beside them."""
    return [name for one in fields for name in (one.name, one.until) if name and name != "tag"]


def _label(name: str, words: Words) -> str:
    if not name.startswith(CUSTOM):
        return str(FIELDS[name].label) if name in FIELDS else LABELS.get(name, name)
    field = words.fields.get(_custom_key(name))
    label = field.label if field else name.removeprefix(CUSTOM)
    return label + {FROM: " from", TO: " until"}.get(name[-len(FROM) :], "")


def _custom_key(name: str) -> str:
    return name.removeprefix(CUSTOM).removesuffix(FROM).removesuffix(TO)
