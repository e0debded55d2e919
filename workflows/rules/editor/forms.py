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
from workflows.models import RunWait, Workflow
from workflows.rules import conditions, reading
from workflows.rules.catalog import Catalog, OfferedAction, catalog_of
from workflows.rules.conditions import AskedField, InvalidConditions
from workflows.rules.editor import action_rows, condition_rows, nesting
from workflows.rules.editor.rows import (
    ComparisonRow,
    ConditionRow,
    Draft,
    GroupRow,
    conditions_in,
    every_step,
    from_text,
    groups,
)
from workflows.rules.reading import CONTENT, InvalidWorkflow
from workflows.rules.services import Values, WaitingRuns
from workflows.rules.words import Sentences, Words

CONDITIONS, ACTIONS = "conditions", "actions"
ROWS: Final = (CONDITIONS, ACTIONS)
DEFAULT_TRIGGER: Final = "message.received"
HOURS: Final = (
    (Workflow.Hours.ANY, gettext_lazy("at any time")),
    (Workflow.Hours.OPEN, gettext_lazy("only within business hours")),
    (Workflow.Hours.CLOSED, gettext_lazy("only outside business hours")),
)
WAITING: Final = (
    (WaitingRuns.FINISH, gettext_lazy("They finish as they began")),
    (WaitingRuns.MOVE, gettext_lazy("They go on by the new steps, where their step is still there")),
    (WaitingRuns.LEAVE, gettext_lazy("They end")),
)


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

    cancel_on = forms.MultipleChoiceField(
        label=gettext_lazy("What waits ends when"), required=False, widget=forms.CheckboxSelectMultiple
    )
    waiting = forms.ChoiceField(
        label=gettext_lazy("What becomes of runs that wait now"), choices=WAITING, initial=WaitingRuns.FINISH
    )

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
        content = self.content_of(record) if record is not None else {**self.beginning, **(start or {})}
        super().__init__(data, initial=content, record=record)
        self.fields["cancel_on"].choices = list(self.catalog.cancel_on.items())  # type: ignore[attr-defined]
        self.waiting_count = RunWait.objects.filter(run__workflow=record).count() if record is not None else 0
        if not self.waiting_count:
            del self.fields["waiting"]
        for name, label in ((CONDITIONS, _("Conditions")), (ACTIONS, _("Actions"))):
            self.fields[name] = RowsField(label=label, required=False, widget=RowsWidget(self, name))
        chosen = str(content["trigger_event"])
        choices = {one.event_type: one.description for one in self.catalog.triggers}
        if chosen not in choices:
            choices[chosen] = str(EVENTS[chosen].description) if chosen in EVENTS else chosen
        self.fields["trigger_event"].choices = sorted(choices.items(), key=lambda one: one[1])  # type: ignore[attr-defined]

    # What tells a sequence's form from a rule's (`workflows.sequences.forms`).
    is_sequence = False
    beginning: Mapping[str, object] = {"trigger_event": DEFAULT_TRIGGER}

    def content_of(self, record: Workflow) -> dict[str, object]:
        """What the form shows of a stored rule."""
        return reading.content_of(record)

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
        return json.dumps(action_rows.content(draft.actions, self.offered, self.asked_fields))

    def content(self) -> dict[str, object]:
        """The whole rule as it is being written, whether it could be saved or not."""
        values: dict[str, object] = {
            name: self[name].value() for name in CONTENT if name in self.fields and name not in ROWS
        }
        for name in ("is_once", "stop_after"):
            values[name] = bool(values[name])
        chosen = cast("list[str]", self["cancel_on"].value() or [])
        values["cancel_on"] = [cause for cause in self.catalog.cancel_on if cause in chosen]
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
        sentences = self.in_words({"trigger_event": self.trigger, name: json.loads(value)})
        lines = sentences.conditions if name == CONDITIONS else sentences.actions
        return "; ".join(lines) or _("none")

    def in_words(self, content: Mapping[str, object]) -> Sentences:
        """Content in words; a step that was typed as JSON and has not its shape is left out."""
        steps = content.get("actions", [])
        readable = [step for step in steps if action_rows.is_readable(step)] if isinstance(steps, list) else []
        return self.words.of(Workflow(**{**content, "actions": readable}))

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        changed, draft = set(self.changed), self.sent_draft(cast("QueryDict", self.data))
        of_rule, *of_steps = groups(draft)
        if changed & {CONDITIONS, "trigger_event"}:
            self._check_conditions(*of_rule)
        if changed & {ACTIONS, "trigger_event"}:
            for place, group in of_steps:
                self._check_conditions(place, group)
        if ACTIONS in changed:
            self._check_actions(draft)
        if self.errors_at and not self.conflicts:
            self.add_error(None, _("Something is missing or wrong in the rows below. Each says what."))
        return cleaned

    def _check_conditions(self, place: str, group: GroupRow) -> None:
        for here, row in conditions_in(group, place):
            if error := self._error_of(row):
                self.errors_at[here] = error

    def _error_of(self, row: ConditionRow) -> str:
        if isinstance(row, GroupRow):
            return "" if row.rows else _("Add a condition, or take the group away.")
        if isinstance(row, ComparisonRow) and row.field not in self.asked_fields:
            if not row.field:
                return _("Choose what to ask for, or take the condition away.")
            return _("This can’t be asked for here. Choose something else, or take the condition away.")
        try:
            parsed = conditions.parse(condition_rows.content_of_row(row, self.asked_fields))
            conditions.check(parsed, self.asked_fields)
        except InvalidConditions as error:
            return str(error)
        return ""

    def _check_actions(self, draft: Draft) -> None:
        if not draft.actions:
            self.errors_at[ACTIONS] = _("Add what the rule does.")
        for place, row in every_step(draft):
            if not row.name:
                self.errors_at[place] = _("Choose what the rule does here, or take the row away.")
        for number, step in enumerate(draft.actions):
            here = f"{ACTIONS}.{number}"
            if any(place == here or place.startswith(f"{here}.") for place in self.errors_at):
                continue
            content = action_rows.content_of_row(step, self.offered, self.asked_fields)
            try:
                reading.actions([content], self.words.known, self.asked_fields)
            except (InvalidWorkflow, InvalidConditions) as error:
                place = error.field.replace(f"{ACTIONS}[0]", f"{ACTIONS}[{number}]", 1)
                self.errors_at[place_of(place)] = str(error)

    def take(self, refused: Refused, words: str) -> None:
        """Say what a service refused at the row that it names; where it names none, above the form."""
        if isinstance(refused, Invalid) and refused.field in self.fields and refused.field not in ROWS:
            self.add_error(refused.field, words)
            return
        if refused.field.startswith(f"{ACTIONS}["):
            self.errors_at[place_of(refused.field)] = words
        elif refused.field.startswith(f"{CONDITIONS}."):
            asked = refused.field.removeprefix(f"{CONDITIONS}.")
            for place, row in conditions_in(self.draft.conditions, CONDITIONS):
                if isinstance(row, ComparisonRow) and row.field == asked:
                    self.errors_at[place] = words
        self.add_error(None, words)

    def changes(self) -> Values:
        """What the service is to set, of a valid form: of a rule that is edited only what the person changed."""
        return cast("Values", {name: value for name, value in self.changed.items() if name in CONTENT})


def place_of(field: str) -> str:
    """The place in the form of what a service names: `actions[1].branches[0].actions[2].tag` is the parameter `tag` of
    the row `actions.1.branches.0.actions.2`. What is no parameter's is the row's."""
    place = re.sub(r"\[([0-9]{1,5})\]", r".\1", field.partition(f".{CONDITIONS}")[0])
    row, _separator, name = place.rpartition(".")
    if name.isdigit():
        return place
    if name in ("action", "branches", "otherwise", ACTIONS):
        return row
    return f"{row}.share" if name == "share" else f"{row}.params.{name}"
