"""What the list of customers shows, as its address says it: filters, order, columns, and the segment they came from.

An address with a segment and nothing else shows the segment. One with a segment and an `ordering` beside it shows what
the address says, as a change of that segment: so that a filter of the segment can be taken away, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from customers import filters
from customers.filters import DEFAULT_ORDERING
from customers.models import CustomField, Segment
from customers.services.segments import MOST_COLUMNS
from customers.views import table

# What an address may hold beside filters.
OWN = frozenset({"segment", "columns", "after", "open"})
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListState:
    """`given` holds the filters as an address writes them, `checked` as the selectors take them."""

    given: Given = field(default_factory=dict)
    checked: Given = field(default_factory=dict)
    ordering: str = DEFAULT_ORDERING
    columns: Sequence[str] = table.DEFAULT
    segment: Segment | None = None
    problems: Sequence[str] = ()

    @property
    def filters(self) -> dict[str, Any]:
        """For `customers_for`."""
        return {**self.checked, "ordering": self.ordering}

    @property
    def is_changed(self) -> bool:
        """Whether there is something that could be saved: a change of the segment, or of the list as it comes."""
        if self.segment is not None:
            return self != replace(of_segment(self.segment), checked=self.checked, problems=self.problems)
        return bool(self.given) or self.ordering != DEFAULT_ORDERING or tuple(self.columns) != table.DEFAULT

    def query(self, **changes: Any) -> str:
        """The address's query for this state after `changes` (fields of it), with its question mark; short."""
        state = replace(self, **changes) if changes else self
        pairs: list[tuple[str, Any]] = []
        if state.segment is not None:
            pairs.append(("segment", state.segment.pk))
            if not state.is_changed:
                return f"?{urlencode(pairs)}"
        pairs += [(name, value) for name, value in state.given.items()]
        # With a segment, the ordering says that the rest of the address is all there is.
        if state.ordering != DEFAULT_ORDERING or state.segment is not None:
            pairs.append(("ordering", state.ordering))
        if tuple(state.columns) != table.DEFAULT:
            pairs.append(("columns", ",".join(state.columns)))
        return f"?{urlencode(pairs, doseq=True)}" if pairs else "?"

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """What a form of this list hands on, name by name; `without` are the names that the form asks itself."""
        own: list[tuple[str, Any]] = [*self.given.items(), ("ordering", self.ordering)]
        own.append(("columns", ",".join(self.columns)))
        if self.segment is not None:
            own.append(("segment", str(self.segment.pk)))
        found = [(name, value) for name, value in own if name not in without]
        return [(name, one) for name, value in found for one in (value if isinstance(value, list) else [value])]

    def without(self, name: str, value: str | None = None) -> ListState:
        """The state when a filter, or one value of it, is taken away."""
        kept = dict(self.given)
        if value is not None and isinstance(kept.get(name), list):
            kept[name] = [one for one in kept[name] if one != value]
        if value is None or not kept.get(name) or not isinstance(kept[name], list):
            kept.pop(name, None)
        return replace(self, given=kept)


def read_state(
    asked: QueryDict,
    *,
    fields: Sequence[CustomField] = (),
    stages: Collection[str] | None = None,
    segments: Sequence[Segment] = (),
) -> ListState:
    """The state of an address. What is not good in it is told in `problems` and left out."""
    problems: list[str] = []
    segment = next((one for one in segments if str(one.pk) == asked.get("segment")), None)
    if asked.get("segment") and segment is None:
        problems.append("This segment is gone, or not shared with you. Here is the list without it.")
    names = [name for name in asked if name not in OWN]
    if segment is not None and not names and "columns" not in asked:
        state = of_segment(segment)
        given: dict[str, Any] = {**state.given, "ordering": state.ordering}
        columns = [",".join(state.columns)]
    else:
        given = {name: asked.getlist(name) if name == "tag" else asked[name] for name in names}
        columns = asked.getlist("columns")
    known = {one.key: one for one in fields}
    checked, refused = filters.read_each(given, fields=known, stages=stages)
    problems += [_told(error, known) for error in refused]
    bad = {error.name for error in refused}
    ordering = checked.pop("ordering", DEFAULT_ORDERING)
    kept = {
        "q" if name == "search" else name: _distinct(value)
        for name, value in given.items()
        if name not in bad and name != "ordering" and value not in ("", [], None)
    }
    chosen, strange = _columns(columns, table.columns_of(fields))
    if strange:
        problems.append(f"There is no column “{strange[0][:40]}”.")
    return ListState(kept, checked, ordering, chosen, segment, problems)


def of_segment(segment: Segment) -> ListState:
    """What a segment holds, unchecked."""
    given = {name: _as_text(value) for name, value in segment.filter.items() if value not in ("", [], None)}
    chosen = tuple(segment.columns) if segment.columns else table.DEFAULT
    return ListState(given, {}, segment.ordering or DEFAULT_ORDERING, chosen, segment)


def _columns(asked: Sequence[str], known: Mapping[str, table.Column]) -> tuple[tuple[str, ...], list[str]]:
    keys = [key.strip() for part in asked for key in part.split(",") if key.strip()]
    if not keys:
        return table.DEFAULT, []
    chosen = dict.fromkeys([table.FIRST, *(key for key in keys if key in known)])
    return tuple(chosen)[:MOST_COLUMNS], [key for key in keys if key not in known]


def _told(error: filters.InvalidFilter, fields: Mapping[str, CustomField]) -> str:
    key = error.name.removeprefix(filters.CUSTOM)
    if error.is_unknown:
        return f"“{error.name[:40]}” is not a filter of this list and was left out."
    label = fields[key].label if key in fields else error.name.replace("_", " ")
    return f"The filter “{label[:40]}” was left out: {error}"


def _as_text(value: Any) -> Any:
    """As an address writes it; a segment may hold JSON's own kinds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [str(one) for one in value]
    return str(value)


def _distinct(value: Any) -> Any:
    return list(dict.fromkeys(one for one in value if one)) if isinstance(value, list) else value
