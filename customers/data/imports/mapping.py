"""The mapping of a file's columns to customer fields: guessed from headers and samples, checked when it is set."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.refused import Invalid
from customers.models import CustomField
from customers.people.fields import CUSTOM, FIELDS, Kind, of_kind
from customers.search import normalize

# These take more than one column.
_REPEATABLE = (Kind.EMAIL, Kind.PHONE, Kind.TAGS, Kind.TEXT)
# One of these says who it is.
NAMING = ("name", "first_name", "last_name", "company", "email", "phone")
# Other names that a caller may use.
_ALIASES = {"owner": "assigned_to", "follow_up": "next_follow_up_at"}
_EMAIL = re.compile(r"[^@\s]++@[^@\s][^@\s.]*+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,20}")
SURE, LIKELY, PERHAPS = 1.0, 0.8, 0.6
_LIKE_ENOUGH = 0.84
_MIN_SHARE = 0.6


class InvalidMapping(Invalid):
    """`column` names the column, or is empty where the mapping as a whole is wrong."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(f"mapping.{column}" if column else "mapping", detail)
        self.column = column


@dataclass(frozen=True, slots=True)
class Guess:
    """`field` is empty where no field matches; `confidence` is from 0 to 1."""

    column: str
    field: str
    confidence: float

    @property
    def words(self) -> str:
        """The confidence in words."""
        if not self.field:
            return "Not recognised"
        if self.confidence >= SURE:
            return "Sure"
        return "Likely" if self.confidence >= LIKELY else "A guess"


def guess(headers: Sequence[str], samples: Sequence[Sequence[str]], definitions: Sequence[CustomField]) -> list[Guess]:
    """For each column the most likely field; the surest guess gets a field first."""
    claims, words = [], _words()
    for position, header in enumerate(headers):
        cells = [row[position] for row in samples if position < len(row) and row[position].strip()]
        field, confidence = _claim(header, cells, definitions, words)
        claims.append((-confidence, position, field))
    taken: set[str] = set()
    results: dict[int, Guess] = {}
    for negative, position, field in sorted(claims):
        is_free = field not in taken or _is_repeatable(field)
        target = field if is_free else ""
        results[position] = Guess(headers[position], target, -negative if target else 0.0)
        taken.add(field)
    return [results[position] for position in range(len(headers))]


def choices(definitions: Sequence[CustomField]) -> list[tuple[str, str]]:
    """What a column can be, with the words for it."""
    declared = [(field.name, str(field.import_label or field.label)) for field in FIELDS if field.is_importable]
    return [*declared, *((f"{CUSTOM}{field.key}", field.label) for field in definitions)]


def check(mapping: Mapping[str, object], headers: Sequence[str], definitions: Sequence[CustomField]) -> dict[str, str]:
    """The mapping with the file's own headers and our names of fields, columns that are left out not in it.

    Raises InvalidMapping for a column that the file lacks, an unknown field, and a field named twice.
    """
    known = {header.casefold(): header for header in headers}
    labels = dict(choices(definitions))
    aliases = _ALIASES | {f"address.{place.name}": place.name for place in of_kind(Kind.PLACE)}
    result: dict[str, str] = {}
    for column, target in mapping.items():
        header = known.get(" ".join(str(column).split()).casefold())
        if header is None:
            raise InvalidMapping(str(column)[:80], f"The file has no column “{str(column)[:80]}”.")
        if target in (None, ""):
            continue
        field = aliases.get(str(target), str(target))
        if field not in labels:
            known_names = [name for name in labels if not name.startswith(CUSTOM)]
            raise InvalidMapping(
                header, f"“{field[:60]}” is not a field. Use one of {', '.join([*known_names, 'custom.<key>'])}."
            )
        if field in result.values() and not _is_repeatable(field):
            raise InvalidMapping(header, f"Two columns are mapped to {labels[field] if field in FIELDS else field}.")
        result[header] = field
    if not set(result.values()) & set(NAMING):
        raise InvalidMapping("", "Say which column holds the name, the e-mail or the phone.")
    return result


def _is_repeatable(name: str) -> bool:
    return name in FIELDS and FIELDS[name].kind in _REPEATABLE


def _words() -> dict[str, str]:
    """The fields by the words that a header may have for them."""
    result: dict[str, str] = {}
    for field in FIELDS:
        if field.is_importable:
            called = (field.name, str(field.label), str(field.import_label or field.label))
            result |= dict.fromkeys([*map(_plain, called), *filter(None, field.synonyms.split("|"))], field.name)
    return result


def _claim(
    header: str, cells: Sequence[str], definitions: Sequence[CustomField], words: Mapping[str, str]
) -> tuple[str, float]:
    word = _plain(header)
    # A field of the organization's own that is called like one of ours is exported with its key behind.
    declared = {_plain(name): key for key, label in choices(()) for name in (label, key)}
    if word in declared:
        return declared[word], SURE
    for field in definitions:
        own = (field.key, field.label, f"{CUSTOM}{field.key}", f"{field.label} ({field.key})")
        if word in map(_plain, own):
            return f"{CUSTOM}{field.key}", SURE
    if word in words:
        return words[word], SURE
    by_cells = _by_cells(cells)
    if by_cells[0]:
        return by_cells
    parts = set(word.split())
    longest = max((w for w in words if len(w) > 4 and set(w.split()) <= parts), key=len, default="")
    if longest:
        return words[longest], LIKELY
    near = difflib.get_close_matches(word, words, n=1, cutoff=_LIKE_ENOUGH) if len(word) > 3 else []
    if near:
        return words[near[0]], PERHAPS
    return "", 0.0


def _by_cells(cells: Sequence[str]) -> tuple[str, float]:
    if cells and sum(bool(_EMAIL.fullmatch(cell.strip())) for cell in cells) >= _MIN_SHARE * len(cells):
        return "email", PERHAPS
    if cells and sum(_looks_like_phone(cell.strip()) for cell in cells) >= _MIN_SHARE * len(cells):
        return "phone", PERHAPS
    return "", 0.0


def _looks_like_phone(cell: str) -> bool:
    return bool(_PHONE.fullmatch(cell)) and (cell[0] in "+0(") and sum(char.isdigit() for char in cell) > 7


def _plain(header: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", normalize(header).replace("ß", "ss").replace("ł", "l")).split())
