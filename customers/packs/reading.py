"""Reading and checking a pack's file: an error in it stops the start, with its place and reason.

Everything that names something else (an outcome its stage, a rule its template, tag or stage, a segment its filters)
has to name what the same file has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from customers.models import Customer, CustomField, Stage
from customers.packs.words import HEAD, NAMES, PARTS, PLACEHOLDER, Word, Wrong
from customers.people.filters import parse as filters

# A table of the file, whose values the words check; each key has a type of its own.
Table = dict[str, Any]


class InvalidPack(ValueError):
    """A pack's file is wrong; the text names the file, the place in it, and what is needed."""

    def __init__(self, file: str, place: str, detail: str) -> None:
        super().__init__(f"{file}: {place}: {detail}")
        self.file, self.place = file, place


@dataclass(frozen=True, slots=True)
class Pack:
    """What a kind of organization starts with. Templates, workflows and reports are kept for the apps above."""

    key: str
    name: str
    description: str
    relationships: tuple[str, ...]
    won_deal_stage: str
    lost_deal_stage: str
    stages: tuple[Table, ...]
    outcome_types: tuple[Table, ...]
    custom_fields: tuple[Table, ...]
    tags: tuple[Table, ...]
    segments: tuple[Table, ...]
    templates: tuple[Table, ...]
    workflows: tuple[Table, ...]
    reports: tuple[Table, ...]


def read(file: str, key: str, data: Table) -> Pack:
    """Parse a pack from the file's data. Raises InvalidPack."""
    head = _table(file, "", {k: v for k, v in data.items() if k not in PARTS}, HEAD)
    parts: Table = {}
    for name, words in PARTS.items():
        rows = data.get(name, [])
        if not isinstance(rows, list) or (name == "stages" and not rows):
            raise InvalidPack(file, name, "A list of tables is needed.")
        parts[name] = tuple(_table(file, f"{name}[{number}]", row, words) for number, row in enumerate(rows))
        _once(file, name, parts[name])
    pack = Pack(key=key, **head, **parts)
    _Together(file, pack).check()
    return pack


def _table(file: str, place: str, row: object, words: Mapping[str, Word]) -> Table:
    if not isinstance(row, Mapping):
        raise InvalidPack(file, place, "A table is needed.")
    within = f"{place}." if place else ""
    for name in row:
        if name not in words:
            raise InvalidPack(file, f"{within}{name}", f"Nothing of this name is known. Use: {', '.join(words)}.")
    checked: dict[str, object] = {}
    for name, word in words.items():
        if name not in row:
            if word.default is ...:
                raise InvalidPack(file, f"{within}{name}", "This is needed.")
            checked[name] = word.default
            continue
        try:
            checked[name] = word.check(row[name])
        except Wrong as error:
            raise InvalidPack(file, f"{within}{name}", str(error)) from error
    return checked


def _once(file: str, part: str, rows: Iterable[Table]) -> None:
    """No two of a part under one key: a field's is its entity's, a template's that of its channel and language; tags
    and segments are known by name."""
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows):
        name = row["key"] if "key" in row else row["name"].casefold()
        own = (name, row.get("entity", ""), row.get("channel", ""), row.get("language", ""))
        if own in seen:
            raise InvalidPack(file, f"{part}[{number}]", f"“{name}” is there twice.")
        seen.add(own)


# --- What names something else ----------------------------------------------------------------------------------------


class _Together:
    """The parts of a pack against each other."""

    def __init__(self, file: str, pack: Pack) -> None:
        self.file, self.pack = file, pack
        self.stages = {stage["key"]: stage for stage in pack.stages}
        self.tags = {tag["name"] for tag in pack.tags}
        self.templates = {template["key"] for template in pack.templates}
        self.outcomes = {kind["key"] for kind in pack.outcome_types}
        own = [field for field in pack.custom_fields if field["entity"] == CustomField.Entity.CUSTOMER]
        self.fields = {field["key"]: CustomField(**field) for field in own}

    def check(self) -> None:
        """Raises InvalidPack."""
        self._pipeline()
        self._fields()
        for number, segment in enumerate(self.pack.segments):
            # A pack is for every organization, and so knows nobody's members.
            _, refused = filters.read_each(segment["filter"], fields=self.fields, stages=self.stages, members=())
            if refused:
                self._wrong(f"segments[{number}].filter.{refused[0].field}", str(refused[0]))
            for tag in segment["filter"].get("tag", []):
                self._require(tag, self.tags, f"segments[{number}].filter.tag", "tag")
        for number, template in enumerate(self.pack.templates):
            self._template(f"templates[{number}]", template)
        for number, workflow in enumerate(self.pack.workflows):
            self._workflow(f"workflows[{number}]", workflow)

    def _pipeline(self) -> None:
        kinds = [stage["kind"] for stage in self.pack.stages]
        if kinds[0] != Stage.Kind.OPEN:
            self._wrong("stages[0].kind", "The first stage has to be an open one: new customers begin there.")
        for kind in (Stage.Kind.WON, Stage.Kind.LOST):
            if kind not in kinds:
                self._wrong("stages", f"A {kind} stage is missing.")
        for number, stage in enumerate(self.pack.stages):
            if stage["kind"] != Stage.Kind.OPEN and stage["sla_hours"] is not None:
                self._wrong(f"stages[{number}].sla_hours", "Only an open stage has hours.")
        self._moves()

    def _moves(self) -> None:
        for number, outcome in enumerate(self.pack.outcome_types):
            if outcome["stage"]:
                self._require(outcome["stage"], self.stages, f"outcome_types[{number}].stage", "stage")
        for name, wrong in (("won_deal_stage", Stage.Kind.LOST), ("lost_deal_stage", Stage.Kind.WON)):
            if key := getattr(self.pack, name):
                self._require(key, self.stages, name, "stage")
                if self.stages[key]["kind"] == wrong:
                    self._wrong(name, f"“{key}” is a {wrong} stage.")

    def _fields(self) -> None:
        with_choices = (CustomField.Type.CHOICE, CustomField.Type.MULTI_CHOICE)
        for number, field in enumerate(self.pack.custom_fields):
            if (field["type"] in with_choices) != bool(field["choices"]):
                self._wrong(
                    f"custom_fields[{number}].choices", "Choices belong to choice and multi_choice, and only there."
                )

    def _template(self, place: str, template: Table) -> None:
        if bool(template["subject"]) != (template["channel"] == "email"):
            self._wrong(f"{place}.subject", "An e-mail has a subject, and nothing else has.")
        for part in ("subject", "body"):
            for name in (result[0].strip() for result in PLACEHOLDER.findall(template[part])):
                if name not in NAMES and name.removeprefix("custom.") not in self.fields:
                    self._wrong(f"{place}.{part}", f"“{name}” can’t be filled in. Use: {', '.join(sorted(NAMES))}.")
            if PLACEHOLDER.sub("", template[part]).count("{{"):
                self._wrong(f"{place}.{part}", "A placeholder is not closed.")

    def _workflow(self, place: str, workflow: Table) -> None:
        known = {"customer_stage": (self.stages, "stage"), "outcome_type": (self.outcomes, "outcome type")}
        for name, value in workflow["conditions"].items():
            field = name.partition("__")[0]
            for one in value if isinstance(value, list) else [value]:
                if field in known:
                    self._require(one, known[field][0], f"{place}.conditions.{name}", known[field][1])
        for number, action in enumerate(workflow["actions"]):
            within = f"{place}.actions[{number}]"
            for name, (names, what) in {
                "template": (self.templates, "template"),
                "tag": (self.tags, "tag"),
                "stage": (self.stages, "stage"),
                "status": (Customer.Status.values, "status"),
            }.items():
                if name in action:
                    self._require(action[name], names, f"{within}.{name}", what)

    def _require(self, name: object, known: Iterable[str], place: str, what: str) -> None:
        names = list(known)
        if name not in names:
            self._wrong(place, f"There is no {what} “{name}” in this pack. It has: {', '.join(names) or 'none'}.")

    def _wrong(self, place: str, detail: str) -> None:
        raise InvalidPack(self.file, place, detail)
