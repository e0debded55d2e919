"""One row of a file as a customer's values; every reason why it can't be one, with the column it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo
from typing import Any

from django.utils.dateparse import parse_datetime

from accounts.models import Member, Organization
from core.moments import is_showable
from core.refused import Refused
from customers.models import CustomField, Stage
from customers.people.custom_fields import services as custom_fields
from customers.people.fields import CUSTOM, FIELDS, CustomerField, Kind
from customers.people.identities import services as identities
from customers.people.identities.services import Address, InvalidAddress
from customers.people.tags.services import MAX_LENGTH as MAX_TAG_LENGTH

# Of a field whose column takes any length.
MAX_TEXT_LENGTH = 50_000
MAX_TAGS = 50
MAX_ADDRESSES = 10
FOLLOW_UP_AT = time(9)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SEVERAL = re.compile(r"[;|\n]")
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ ,T]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTERNATIONAL = re.compile(r"[1-9]\d{10,14}")
_TRUE = frozenset({"true", "yes", "y", "1", "x", "on", "ja", "oui", "si", "sí", "sim", "tak"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "non", "nao", "não", "nie", "-"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a cell; `position` is its column, from 0, or -1 for the row as a whole."""

    position: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.column}: {self.reason}" if self.column else self.reason


@dataclass(slots=True)
class Row:
    """A row as it was read. `values` are plain columns of a customer, `place` the parts of the address, `own` the
    custom fields; empty cells are in none of them."""

    number: int
    cells: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    place: dict[str, str] = field(default_factory=dict)
    own: dict[str, object] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Those of its addresses that are nobody's yet; known when it is decided on.
    free: list[Address] = field(default_factory=list)

    def address(self, kind: str) -> Address | None:
        return next((one for one in self.addresses if one.kind == kind), None)


class RowReader:
    """Reads rows by one mapping. Asks the database once, at its beginning."""

    def __init__(
        self,
        organization: Organization,
        headers: Sequence[str],
        mapping: Mapping[str, str],
        definitions: Sequence[CustomField],
    ) -> None:
        self.organization = organization
        self.headers = headers
        self.definitions = definitions
        self._own = {definition.key: definition for definition in definitions}
        self._max_lengths = {one.name: one.max_length or MAX_TEXT_LENGTH for one in FIELDS if one.is_importable}
        self._columns = [
            (position, header, mapping[header]) for position, header in enumerate(headers) if header in mapping
        ]
        stages = list(Stage.objects.filter(organization=organization))
        self.first_stage = stages[0]
        self._stages = {word.casefold(): stage for stage in stages for word in (stage.key, stage.name)}
        self._stage_names = ", ".join(stage.key for stage in stages)
        self._members = {
            email.casefold(): user_id
            for email, user_id in Member.objects.active()
            .filter(organization=organization)
            .values_list("user__email", "user_id")
        }
        self._zone = organization.zone

    def read(self, number: int, cells: list[str]) -> Row:
        """The row with all of its problems; nothing raises."""
        row = Row(number, cells)
        if len(cells) > len(self.headers):
            row.problems.append(
                Problem(-1, "", f"The row has {len(cells)} cells, but there are only {len(self.headers)} columns.")
            )
        for position, header, name in self._columns:
            text = _clean(cells[position]) if position < len(cells) else ""
            if not text:
                continue
            try:
                self._take(row, name, text)
            except (ValueError, Refused) as error:
                row.problems.append(Problem(position, header, str(error)))
        self._join_names(row)
        return row

    def missing(self, row: Row) -> list[Problem]:
        """What a new customer needs and this row lacks."""
        problems = []
        if not row.values.get("name"):
            problems.append(Problem(-1, "Name", "is empty."))
        problems += [
            Problem(-1, definition.label, "is needed, and empty here.")
            for definition in self.definitions
            if definition.is_required and definition.key not in row.own
        ]
        return problems

    def _take(self, row: Row, name: str, text: str) -> None:
        if name.startswith(CUSTOM):
            self._take_own(row, name.removeprefix(CUSTOM), text)
            return
        field = FIELDS[name]
        if field.kind in (Kind.PHONE, Kind.EMAIL):
            self._take_addresses(row, field.kind, text)
        elif field.kind is Kind.TAGS:
            row.tags = _tags([*row.tags, *_split_tags(text)])
        elif field.kind is Kind.TEXT:
            before = row.values.get(name)
            row.values[name] = _short(f"{before}\n{text}" if before else text, self._max_lengths[name])
        elif field.kind in _READERS:
            column = f"{name}_id" if field.kind is Kind.OWNER else name
            row.values[column] = _READERS[field.kind](self, field, text)
        else:
            values = row.place if field.kind is Kind.PLACE else row.values
            values[name] = _short(_line(text), self._max_lengths[name])

    def _take_own(self, row: Row, key: str, text: str) -> None:
        definition = self._own[key]
        try:
            value = custom_fields.read_text(definition, text)
        except custom_fields.InvalidValue as error:
            # The column is named already.
            raise ValueError(str(error).removeprefix(f"{definition.label}: ")) from error
        if value is not None:
            row.own[key] = value

    def _take_addresses(self, row: Row, kind: Kind, text: str) -> None:
        for part in _SEVERAL.split(text):
            part = part.strip()
            if not part:
                continue
            address = self._phone(part) if kind is Kind.PHONE else identities.email(part)
            if len(row.addresses) == MAX_ADDRESSES:
                raise ValueError(f"more than {MAX_ADDRESSES} phones and e-mails.")
            if all(one.match_key != address.match_key for one in row.addresses):
                row.addresses.append(address)

    def _phone(self, text: str) -> Address:
        try:
            return identities.phone(text, organization=self.organization)
        except InvalidAddress:
            # Spreadsheet programs take the + away from a number.
            if _INTERNATIONAL.fullmatch(text):
                return identities.phone(f"+{text}", organization=self.organization)
            raise

    def _join_names(self, row: Row) -> None:
        first, last = row.values.pop("first_name", ""), row.values.pop("last_name", "")
        if not row.values.get("name"):
            joined = f"{first} {last}".strip() or row.values.get("company", "")
            if joined:
                row.values["name"] = joined[: self._max_lengths["name"]]

    def _stage(self, field: CustomerField, text: str) -> Stage:
        stage = self._stages.get(text.casefold())
        if stage is None:
            raise ValueError(f"“{text[:40]}” is not a stage. Use one of {self._stage_names}.")
        return stage

    def _owner(self, field: CustomerField, text: str) -> object:
        user_id = self._members.get(text.casefold())
        if user_id is None:
            raise ValueError(f"“{text[:80]}” is not the e-mail of an active member.")
        return user_id

    def _moment(self, field: CustomerField, text: str) -> datetime:
        return moment(text, self._zone)

    def _choice(self, field: CustomerField, text: str) -> str:
        for value, label in field.choices:
            if text.casefold() in (value, label.casefold()):
                return value
        raise ValueError(f"“{text[:40]}” is not one of {', '.join(value for value, _label in field.choices)}.")

    def _flag(self, field: CustomerField, text: str) -> bool:
        word = text.casefold()
        if word not in _TRUE and word not in _FALSE:
            raise ValueError(f"“{text[:40]}” is neither yes nor no.")
        return word in _TRUE


_READERS: Mapping[Kind, Callable[[RowReader, CustomerField, str], object]] = {
    Kind.STAGE: RowReader._stage,
    Kind.OWNER: RowReader._owner,
    Kind.FOLLOW_UP: RowReader._moment,
    Kind.CHOICE: RowReader._choice,
    Kind.OPT_OUT: RowReader._flag,
}


def moment(text: str, zone: tzinfo) -> datetime:
    """A moment, or a day, which is its nine o'clock; the day stands before the month unless the year is first.

    Raises ValueError, also for one that is nobody's plan and has no day in some time zone.
    """
    result = _moment(text, zone)
    if result is None or not is_showable(result):
        raise ValueError(f"“{text[:40]}” is not a day such as 2026-03-31 or a moment such as 2026-03-31 09:00.")
    return result


def _moment(text: str, zone: tzinfo) -> datetime | None:
    try:
        if match := _DAY_FIRST.fullmatch(text):
            day, month, year, clock = match.groups()
            at = time.fromisoformat(f"{clock:0>5}" if len(clock) < 6 else f"{clock:0>8}") if clock else FOLLOW_UP_AT
            return datetime.combine(datetime(int(year), int(month), int(day), tzinfo=zone).date(), at, zone)
        if _DAY.fullmatch(text):
            return datetime.combine(datetime.fromisoformat(text).date(), FOLLOW_UP_AT, zone)
        parsed = parse_datetime(text)
        if parsed is not None:
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        pass
    return None


def _clean(text: str) -> str:
    return (_CONTROL.sub("", text) if not text.isprintable() else text).strip()


def _line(text: str) -> str:
    """On one line: a field of one line has no breaks."""
    return " ".join(text.splitlines()) if "\n" in text or "\r" in text else text


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise ValueError(f"has {len(text):,} characters; at most {most:,} fit.")
    return text


def _split_tags(text: str) -> list[str]:
    """At ; | and new lines; at commas only where none of these stands."""
    parts = _SEVERAL.split(text) if _SEVERAL.search(text) else text.split(",")
    return [name for part in parts if (name := " ".join(part.split()))]


def _tags(names: list[str]) -> list[str]:
    for name in names:
        if len(name) > MAX_TAG_LENGTH:
            raise ValueError(f"the tag “{name[:30]}…” has more than {MAX_TAG_LENGTH} characters.")
    once = {name.casefold(): name for name in reversed(names)}
    if len(once) > MAX_TAGS:
        raise ValueError(f"has {len(once)} tags; at most {MAX_TAGS} fit.")
    return list(reversed(once.values()))
