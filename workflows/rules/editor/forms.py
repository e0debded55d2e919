"""A rule as a form: plain fields, and two that are lists of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final, cast

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activity.registry import EVENTS
from core.edits import EditMixin
from core.refused import Invalid, Refused
from messaging.texts import placeholders
from workflows.models import Workflow
from workflows.rules import conditions, reading
from workflows.rules.catalog import Catalog, OfferedAction, catalog_of
from workflows.rules.conditions import AskedField, InvalidConditions
from workflows.rules.editor import action_rows, condition_rows, nesting
from workflows.rules.editor.rows import ComparisonRow, ConditionRow, Draft, GroupRow, from_text
from workflows.rules.reading import CONTENT, InvalidWorkflow
from workflows.rules.services import Values
from workflows.rules.words import Words

CONDITIONS, ACTIONS = "conditions", "actions"
ROWS: Final = (CONDITIONS, ACTIONS)
DEFAULT_TRIGGER: Final = "message.received"
HOURS: Final = (
    (Workflow.Hours.ANY, gettext_lazy("at any time")),
    (Workflow.Hours.OPEN, gettext_lazy("only within business hours")),
    (Workflow.Hours.CLOSED, gettext_lazy("only outside business hours")),
)
_ACTION_PLACE = re.compile(r"actions\[([0-9]{1,5})\](?:\.(.*))?")


class RowsWidget(forms.Widget):
    """Its value is what the rows say, as JSON; the rows themselves are shown by the editor."""

    def __init__(self, form: RuleForm, name: str) -> None:
        super().__init__()
        self.form, self.of = form, name

    def __deepcopy__(self, memo: object) -> RowsWidget:
        return self

    def value_from_datadict(self, data: Mapping[str, object], files: object, name: str) -> str:
        return self.form.as_value(self.of, self.form.sent_draft(cast("QueryDict", data)))

    def value_omitted_from_data(self, data: object, files: object, name: str) -> bool:
        # A list without rows sends nothing.
        return False

    def format_value(self, value: object) -> str:
        return self.form.as_value(self.of, self.form.stored_draft(**{self.of: value}))


class RowsField(forms.Field):
    """The conditions or the actions; its clean value is what the rule stores."""

    def clean(self, value: object) -> object:
        return json.loads(str(value))


class RuleForm(EditMixin):
    """A rule while somebody writes it. `is_checked`: whether what is wrong is said yet; not while rows are added.

    `draft` has the rows, `errors_at` what is wrong by the row's place: `actions.0.params.tag`, `conditions.rows.1`.
    """

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=reading.MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    trigger_event = forms.ChoiceField(label=gettext_lazy("When"))
    hours = forms.ChoiceField(label=gettext_lazy("At what time"), choices=HOURS)
    is_once = forms.BooleanField(label=gettext_lazy("Only once for a customer"), required=False)
    stop_after = forms.BooleanField(label=gettext_lazy("Where it acts, the rules after it do nothing"), required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        record: Workflow | None = None,
        start: Mapping[str, object] | None = None,
        is_checked: bool = True,
    ) -> None:
        """`start`: the content of a new rule to begin with."""
        self.words = Words()
        self.is_checked = is_checked
        self.errors_at: dict[str, str] = {}
        content = (
            reading.content_of(record) if record is not None else {"trigger_event": DEFAULT_TRIGGER, **(start or {})}
        )
        super().__init__(data, initial=content, record=record)
        for name, label in ((CONDITIONS, _("Conditions")), (ACTIONS, _("Actions"))):
            self.fields[name] = RowsField(label=label, required=False, widget=RowsWidget(self, name))
        chosen = str(content["trigger_event"])
        choices = {one.event_type: one.description for one in self.catalog.triggers}
        if chosen not in choices:
            choices[chosen] = str(EVENTS[chosen].description) if chosen in EVENTS else chosen
        self.fields["trigger_event"].choices = sorted(choices.items(), key=lambda one: one[1])  # type: ignore[attr-defined]

    # --- What there is to choose from ---------------------------------------------------------------------------------

    @cached_property
    def catalog(self) -> Catalog:
        return catalog_of(self.words.own, self.words.choices, self.words.known)

    @cached_property
    def offered(self) -> Mapping[str, OfferedAction]:
        return {action.name: action for action in self.catalog.actions}

    @property
    def asked_fields(self) -> Mapping[str, AskedField]:
        """What conditions may ask for with the trigger that is chosen now."""
        return self.words.fields(self.trigger)

    @property
    def trigger(self) -> str:
        """The trigger that is chosen now."""
        sent = self.data.get("trigger_event") if self.is_bound else ""
        return str(sent or self.initial["trigger_event"])

    @property
    def placeholders(self) -> list[tuple[str, str]]:
        """What texts may name, each with what it stands for."""
        own = [(f"{placeholders.CUSTOM}{field.key}", field.label) for field in self.words.own]
        return [*placeholders.NAMES.items(), *own]

    # --- The rows -----------------------------------------------------------------------------------------------------

    @cached_property
    def draft(self) -> Draft:
        """The rows as they were sent, else as they are stored."""
        if self.is_bound:
            if self.is_checked:
                self.errors  # noqa: B018 - a choice between two versions takes the place of what was sent
            return self.sent_draft(cast("QueryDict", self.data))
        return self.stored_draft(**{name: self.initial.get(name) for name in ROWS})

    def sent_draft(self, data: QueryDict) -> Draft:
        """What a page sent; a whole list as JSON takes the place of its rows."""
        draft = nesting.read(data)
        kept = {name: from_text(str(data[name])) for name in ROWS if name in data}
        if kept:
            stored = self.stored_draft(**kept)
            draft = Draft(*(getattr(stored if name in kept else draft, name) for name in ROWS))
        return draft

    def stored_draft(self, *, conditions: object = None, actions: object = None) -> Draft:
        """The rows of stored content."""
        return Draft(condition_rows.rows_of(conditions or {}), action_rows.rows_of(actions or [], self.offered))

    def as_value(self, name: str, draft: Draft) -> str:
        """What the rows of one list say, as JSON: for comparing, and as the field's value."""
        if name == CONDITIONS:
            return json.dumps(condition_rows.content(draft.conditions, self.asked_fields))
        return json.dumps(action_rows.content(draft.actions, self.offered))

    def content(self) -> dict[str, object]:
        """The whole rule as it is being written, whether it could be saved or not."""
        values: dict[str, object] = {
            name: self[name].value() for name in CONTENT if name in self.fields and name not in ROWS
        }
        for name in ("is_once", "stop_after"):
            values[name] = bool(values[name])
        if values["hours"] not in Workflow.Hours.values:
            values["hours"] = Workflow.Hours.ANY
        values["trigger_event"] = self.trigger
        values["name"] = str(values["name"] or "")[: reading.MAX_NAME_LENGTH]
        return {**values, **{name: json.loads(self.as_value(name, self.draft)) for name in ROWS}}

    # --- What is wrong ------------------------------------------------------------------------------------------------

    @property
    def errors(self) -> ErrorDict:
        return super().errors if self.is_checked else ErrorDict()

    def _compare(self) -> None:
        super()._compare()
        self.conflicts = [
            replace(one, entered=self._in_words(one.name, one.entered), current=self._in_words(one.name, one.current))
            if one.name in ROWS else one
            for one in self.conflicts
        ]  # fmt: skip

    def _in_words(self, name: str, value: str) -> str:
        rule = Workflow(trigger_event=self.trigger, **{"actions": [], name: json.loads(value)})
        sentences = self.words.of(rule)
        lines = sentences.conditions if name == CONDITIONS else sentences.actions
        return "; ".join(lines) or _("none")

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        changed = set(self.changed)
        if changed & {CONDITIONS, "trigger_event"}:
            self._check_conditions()
        if ACTIONS in changed:
            self._check_actions()
        if self.errors_at and not self.conflicts:
            self.add_error(None, _("Something is missing or wrong in the rows below. Each says what."))
        return cleaned

    def _check_conditions(self) -> None:
        for place, row in _rows(self.sent_draft(cast("QueryDict", self.data)).conditions, CONDITIONS):
            if isinstance(row, GroupRow):
                if not row.rows:
                    self.errors_at[place] = _("Add a condition, or take the group away.")
                continue
            if isinstance(row, ComparisonRow) and row.field not in self.asked_fields:
                self.errors_at[place] = (
                    _("This can’t be asked for here. Choose something else, or take the condition away.")
                    if row.field else _("Choose what to ask for, or take the condition away.")
                )  # fmt: skip
                continue
            try:
                parsed = conditions.parse(condition_rows.content_of_row(row, self.asked_fields))
                conditions.check(parsed, self.asked_fields)
            except InvalidConditions as error:
                self.errors_at[place] = str(error)

    def _check_actions(self) -> None:
        rows = self.sent_draft(cast("QueryDict", self.data)).actions
        if not rows:
            self.errors_at[ACTIONS] = _("Add what the rule does.")
        for number, row in enumerate(rows):
            if (name := getattr(row, "name", None)) == "":
                self.errors_at[f"{ACTIONS}.{number}"] = _("Choose what the rule does here, or take the row away.")
                continue
            assert name is None or isinstance(name, str)  # noqa: S101 - for the checker
            try:
                reading.actions([action_rows.content_of_row(row, self.offered)], self.words.known, self.asked_fields)
            except (InvalidWorkflow, InvalidConditions) as error:
                self.errors_at[_place(error.field, number)] = str(error)

    def take(self, refused: Refused, words: str) -> None:
        """Say what a service refused at the row that it names; where it names none, above the form."""
        if isinstance(refused, Invalid) and refused.field in self.fields and refused.field not in ROWS:
            self.add_error(refused.field, words)
            return
        if match := _ACTION_PLACE.match(refused.field):
            self.errors_at[_place(refused.field, int(match[1]))] = words
        elif refused.field.startswith(f"{CONDITIONS}."):
            asked = refused.field.removeprefix(f"{CONDITIONS}.")
            for place, row in _rows(self.draft.conditions, CONDITIONS):
                if isinstance(row, ComparisonRow) and row.field == asked:
                    self.errors_at[place] = words
        self.add_error(None, words)

    def changes(self) -> Values:
        """What the service is to set, of a valid form: of a rule that is edited only what the person changed."""
        return cast("Values", {name: value for name, value in self.changed.items() if name in CONTENT})


def _rows(group: GroupRow, place: str) -> list[tuple[str, ConditionRow]]:
    """Every row with its place, also those inside groups."""
    result: list[tuple[str, ConditionRow]] = []
    for number, row in enumerate(group.rows):
        here = f"{place}.rows.{number}"
        result.append((here, row))
        if isinstance(row, GroupRow):
            result += _rows(row, here)
    return result


def _place(field: str, number: int) -> str:
    """The place of a refused parameter in the form; that of the row for what is no parameter's."""
    match = _ACTION_PLACE.match(field)
    name = match[2] if match is not None else ""
    row = f"{ACTIONS}.{number}"
    return f"{row}.params.{name}" if name and name != "action" else row
