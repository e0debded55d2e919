"""The rows of a draft as the templates show them: controls with their labels, choices and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from activity.payloads import Kind
from workflows.rules.catalog import Parameter
from workflows.rules.conditions import AskedField
from workflows.rules.editor import condition_rows, operators, step_rows
from workflows.rules.editor.forms import ACTIONS, CONDITIONS, RuleForm
from workflows.rules.editor.rows import ALL, ANY, ActionRow, ComparisonRow, GroupRow, KeptRow, StepRow, from_text
from workflows.rules.parameters import words_for
from workflows.rules.steps import BRANCH, SPLIT, WAIT

Choices = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Control:
    """One input: `kind` is select, checks, flag, lines, long, length, number, date, json, hidden or line. `texts` is
    what stands in it."""

    name: str
    label: str
    kind: str
    texts: Sequence[str] = ()
    options: Sequence[Option] = ()
    error: str = ""
    is_required: bool = False
    takes_placeholders: bool = False

    @property
    def id(self) -> str:
        return f"rule-{self.name.replace('.', '-')}"

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: `kind` is comparison, group, action or kept."""

    place: str
    kind: str
    number: int
    is_first: bool
    is_last: bool
    has_focus: bool
    focus: str = ""
    error: str = ""
    head: Control | None = None
    controls: Sequence[Control] = ()
    rows: Sequence[Row] = ()
    words: str = ""
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a step with rows of its own: its conditions, its share, its steps. `label` says when it is taken."""

    place: str
    label: str
    how: Control | None = None
    conditions: Sequence[Row] = ()
    share: Control | None = None
    actions: Sequence[Row] | None = None
    is_branch: bool = False
    error: str = ""


class Rows:
    """Makes the rows of a form's draft; `focus` is the place that has it, as `operations.apply` says."""

    def __init__(self, form: RuleForm, focus: str = "") -> None:
        self.form, self.focus = form, focus

    @property
    def how(self) -> Control:
        return self._how(self.form.draft.conditions, CONDITIONS)

    @property
    def conditions(self) -> list[Row]:
        return self._conditions(self.form.draft.conditions, CONDITIONS)

    @property
    def actions(self) -> list[Row]:
        return self._actions(self.form.draft.actions, ACTIONS)

    # --- Conditions ---------------------------------------------------------------------------------------------------

    def _conditions(self, group: GroupRow, place: str) -> list[Row]:
        return [
            self._condition(row, f"{place}.rows.{number}", number, len(group.rows))
            for number, row in enumerate(group.rows)
        ]

    def _condition(self, row: ComparisonRow | GroupRow | KeptRow, place: str, number: int, count: int) -> Row:
        if isinstance(row, GroupRow):
            head = self._how(row, place)
            return self._row(place, "group", number, count, head=head, rows=self._conditions(row, place))
        if isinstance(row, KeptRow):
            return self._kept(row, place, number, count, CONDITIONS)
        asked = self.form.asked_fields.get(row.field)
        fields = {name: capfirst(one.label) for name, one in self.form.asked_fields.items()}
        head = Control(
            f"{place}.field", _("What"), "select", [row.field], _options(fields, [row.field], empty=_("Choose…"))
        )
        controls = [] if asked is None else self._comparison(asked, row, place)
        if asked is None and row.field:
            # What was typed stays with the row until somebody says what it is to be.
            controls = [Control(f"{place}.op", "", "hidden", [row.operator]),
                        *(Control(f"{place}.value", "", "hidden", [text]) for text in row.texts)]  # fmt: skip
        return self._row(place, "comparison", number, count, head=head, controls=controls)

    def _comparison(self, asked: AskedField, row: ComparisonRow, place: str) -> list[Control]:
        offered = operators.offered(asked.kind, has_choices=asked.choices is not None)
        operator = row.operator or operators.IS
        names = [Control(f"{place}.op", _("How"), "select", [operator], _options(offered, [operator]))]
        plain = operator.removeprefix(operators.NOT)
        if plain == operators.EMPTY:
            return names
        return [*names, self._value(asked, row.texts, f"{place}.value", is_many=plain == "in")]

    def _value(self, asked: AskedField, texts: Sequence[str], name: str, *, is_many: bool) -> Control:
        label = _("Value")
        if asked.kind == Kind.BOOLEAN:
            return Control(name, label, "select", texts, _options({"true": _("yes"), "false": _("no")}, texts))
        if asked.choices is not None:
            if is_many:
                return Control(name, label, "checks", texts, _options(asked.choices, texts))
            return Control(name, label, "select", texts, _options(asked.choices, texts, empty=_("Choose…")))
        if is_many:
            return Control(name, _("Values, one a line"), "lines", ["\n".join(texts)])
        text = texts[0] if texts else ""
        if "\n" in text:
            return Control(name, label, "long", texts)
        if asked.kind in condition_rows.NUMBERS and condition_rows.is_number(text):
            return Control(name, label, "number", texts)
        if asked.kind == Kind.TIME and condition_rows.is_day(text):
            return Control(name, label, "date", texts)
        return Control(name, label, "line", texts)

    def _how(self, group: GroupRow, place: str) -> Control:
        choices = {ALL: _("all of these hold"), ANY: _("one of these holds")}
        return Control(f"{place}.how", _("How many"), "select", [group.how], _options(choices, [group.how]))

    # --- Actions ------------------------------------------------------------------------------------------------------

    def _actions(self, rows: Sequence[StepRow], place: str) -> list[Row]:
        return [self._action(row, f"{place}.{number}", number, len(rows)) for number, row in enumerate(rows)]

    def _action(self, row: StepRow, place: str, number: int, count: int) -> Row:
        if isinstance(row, KeptRow):
            return self._kept(row, place, number, count, ACTIONS)
        catalog = self.form.catalog
        names = {step.name: step.label for step in (*catalog.actions, *catalog.control_steps)}
        head = Control(
            f"{place}.action", _("What it does"), "select", [row.name],
            _options(names, [row.name], empty=_("Choose…")),
        )  # fmt: skip
        action = self.form.offered.get(row.name)
        controls = [self._parameter(one, row, place) for one in action.parameters] if action is not None else []
        parts: list[Part] = []
        if row.name == WAIT:
            controls, parts = self._wait(row, place)
        elif row.name in (BRANCH, SPLIT):
            parts = [self._branch(row, number, place) for number in range(len(row.branches))]
            if row.name == BRANCH:
                otherwise = f"{place}.otherwise"
                parts.append(Part(otherwise, _("Else"), actions=self._actions(row.otherwise, otherwise)))
        return self._row(place, "action", number, count, head=head, controls=controls, parts=parts)

    def _wait(self, row: ActionRow, place: str) -> tuple[list[Control], list[Part]]:
        (offered,) = [step for step in self.form.catalog.control_steps if step.name == WAIT]
        parameters = {parameter.name: parameter for parameter in offered.parameters}
        way = step_rows.way_of(row)
        ways = {
            step_rows.MINUTES: _("for a time"), step_rows.UNTIL: _("for business hours"),
            step_rows.QUIET: _("until nothing happened for a while"), step_rows.CONDITIONS: _("until conditions hold"),
        }  # fmt: skip
        controls = [
            Control(
                f"{place}.params.{step_rows.WAY}", _("How"), "choice", [way], _options(ways, [way]), is_required=True
            )
        ]
        shown = [name for name in (way, *step_rows.WAYS[way]) if name not in (step_rows.UNTIL, step_rows.CONDITIONS)]
        for name in shown:
            control = self._parameter(parameters[name], row, place)
            label = _("How long") if name == step_rows.MINUTES else control.label
            options = [option for option in control.options if option.value or name != step_rows.THEN]
            controls.append(replace(control, label=label, options=options, is_required=True))
        if way != step_rows.CONDITIONS:
            return controls, []
        group = f"{place}.{CONDITIONS}"
        rows = self._conditions(row.conditions, group)
        return controls, [Part(group, _("Until"), how=self._how(row.conditions, group), conditions=rows)]

    def _branch(self, row: ActionRow, number: int, place: str) -> Part:
        branch, here = row.branches[number], f"{place}.branches.{number}"
        actions = self._actions(branch.actions, f"{here}.{ACTIONS}")
        if row.name == SPLIT:
            name = f"{here}.share"
            label = str(words_for("share").label)
            share = Control(
                name, label, "number", [branch.share], error=self.form.errors_at.get(name, ""), is_required=True
            )
            return Part(here, _("By chance"), share=share, actions=actions, is_branch=True)
        group = f"{here}.{CONDITIONS}"
        return Part(
            here, _("Else if") if number else _("If"), how=self._how(branch.conditions, group),
            conditions=self._conditions(branch.conditions, group), actions=actions, is_branch=True,
        )  # fmt: skip

    def _parameter(self, one: Parameter, row: ActionRow, place: str) -> Control:
        name, texts, words = f"{place}.params.{one.name}", row.params.get(one.name, []), one.words
        kind, options = "line", list[Option]()
        if one.choices is not None:
            empty = str(words.empty) or (_("Choose…") if one.is_required else "–")
            kind, options = "select", _options(one.choices, texts, empty=empty)
        elif one.kind == Kind.BOOLEAN:
            kind = "flag"
        elif one.kind == Kind.NUMBER and words.is_length:
            unit = texts[1] if len(texts) > 1 else "1"
            units = {"1": _("minutes"), "60": _("hours"), "1440": _("days")}
            kind, options = "length", _options(units, [unit])
        elif one.kind == Kind.NUMBER:
            kind = "number"
        elif words.is_long or any("\n" in text for text in texts):
            kind = "long"
        return Control(
            name, one.label, kind, texts, options, self.form.errors_at.get(name, ""), one.is_required,
            words.takes_placeholders,
        )  # fmt: skip

    # --- Every row ----------------------------------------------------------------------------------------------------

    def _kept(self, row: KeptRow, place: str, number: int, count: int, what: str) -> Row:
        json = Control(f"{place}.json", _("As JSON"), "json", [row.text])
        return self._row(place, "kept", number, count, head=json, words=self._in_words(from_text(row.text), what))

    def _in_words(self, value: object, what: str) -> str:
        if not isinstance(value, dict):
            return _("This can’t be read.")
        sentences = self.form.in_words(
            {"trigger_event": self.form.trigger, what: [value] if what == ACTIONS else value}
        )
        lines = sentences.actions if what == ACTIONS else sentences.conditions
        return "; ".join(lines) or _("This can’t be read.")

    def _row(
        self,
        place: str,
        kind: str,
        number: int,
        count: int,
        *,
        head: Control,
        controls: Sequence[Control] = (),
        rows: Sequence[Row] = (),
        words: str = "",
        parts: Sequence[Part] = (),
    ) -> Row:
        what, _separator, moved = self.focus.partition(":")
        return Row(
            place, kind, number + 1, number == 0, number == count - 1, self.focus == place,
            what if moved == place else "", self.form.errors_at.get(place, ""), head, controls, rows, words, parts,
        )  # fmt: skip


def _options(choices: Choices, chosen: Sequence[str], *, empty: str = "") -> list[Option]:
    """What there is to choose from, and what is chosen though it is there no more."""
    options = [Option("", empty, not any(chosen))] if empty else []
    options += [Option(value, label, value in chosen) for value, label in choices.items()]
    missing = [value for value in chosen if value and value not in choices]
    return options + [
        Option(value, _("%(choice)s (no longer in the list)") % {"choice": value}, True) for value in missing
    ]
