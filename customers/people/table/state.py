"""What the list of customers shows, as its address says it: filters, order, columns, and the segment they came from.

An address with a segment and nothing else shows the segment. One with a segment and an `ordering` beside it shows what
the address says, as a change of that segment: so that a filter of the segment can be taken away, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.list_query import ListQuery
from customers.models import CustomField, Segment, Tag
from customers.people.fields import CUSTOM
from customers.people.filters import parse as filters
from customers.people.filters.parse import DEFAULT_ORDERING
from customers.people.segments.services import MAX_COLUMNS
from customers.people.table import columns as table

# What an address may hold beside filters.
OWN = frozenset({"segment", "columns", "after", "open"})
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListState:
    """`given` holds the filters as an address writes them, `checked` as the selectors take them."""

    requested: Values = field(default_factory=dict)
    checked: Values = field(default_factory=dict)
    ordering: str = DEFAULT_ORDERING
    columns: Sequence[str] = table.DEFAULT
    segment: Segment | None = None
    problems: Sequence[str] = ()
    # Whether a filter, or the segment, means nothing (any more): then the list shows nobody, and says why.
    is_refused: bool = False

    @property
    def filters(self) -> dict[str, object]:
        """For `customers_for`."""
        requested = {**self.checked, "ordering": self.ordering}
        return {**requested, filters.REFUSED: True} if self.is_refused else requested

    @property
    def is_changed(self) -> bool:
        """Whether there is something that could be saved: a change of the segment, or of the list as it comes."""
        if self.segment is not None:
            return self != replace(
                of_segment(self.segment), checked=self.checked, problems=self.problems, is_refused=self.is_refused
            )
        return bool(self.requested) or self.ordering != DEFAULT_ORDERING or tuple(self.columns) != table.DEFAULT

    def query(self, **changes: Any) -> str:
        """The address's query for this state after `changes` (fields of it), with its question mark; short."""
        state = replace(self, **changes) if changes else self
        plain = {"columns": ",".join(table.DEFAULT)}
        own = {"ordering": state.ordering, "columns": ",".join(state.columns)}
        if state.segment is None:
            return ListQuery({**state.requested, **own}, {**plain, "ordering": DEFAULT_ORDERING}).address()
        query = ListQuery({"segment": str(state.segment.pk)}, plain)
        # With a segment, the ordering says that the rest of the address is all there is.
        return query.with_({**state.requested, **own}).address() if state.is_changed else query.address()

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """What a form of this list hands on, name by name; `without` are the names that the form asks itself."""
        values = {**self.requested, "ordering": self.ordering, "columns": ",".join(self.columns)}
        if self.segment is not None:
            values["segment"] = str(self.segment.pk)
        return ListQuery(values).pairs(*without)

    def without(self, name: str, value: str | None = None) -> ListState:
        """The state when a filter, or one value of it, is taken away."""
        return replace(self, requested=ListQuery(self.requested).without(name, value).values)


def read_state(
    parameters: QueryDict,
    *,
    fields: Sequence[CustomField] = (),
    stages: Collection[str] | None = None,
    segments: Sequence[Segment] = (),
    checks_tags: bool = True,
) -> ListState:
    """The state of an address; its errors are in `problems`.

    A filter that means nothing stays in `values`, so that every address made of the state is refused as this one is,
    until the filter is taken away.
    """
    problems: list[str] = []
    segment = next((one for one in segments if str(one.pk) == parameters.get("segment")), None)
    if parameters.get("segment") and segment is None:
        problems.append(_("This segment is gone, or not shared with you."))
    names = [name for name in parameters if name not in OWN]
    if segment is not None and not names and "columns" not in parameters:
        state = of_segment(segment)
        values: dict[str, object] = {**state.requested, "ordering": state.ordering}
        columns = [",".join(state.columns)]
    else:
        values = {name: parameters.getlist(name) if name == "tag" else parameters[name] for name in names}
        columns = parameters.getlist("columns")
    known = {one.key: one for one in fields}
    checked, refused = filters.read_each(values, fields=known, stages=stages)
    if segment is not None and checks_tags:
        # An address with a tag that nobody has matches nobody anyhow; a saved view has to give the reason.
        refused += _missing_tags(checked.get("tag"))
    is_refused = bool(problems) or any(error.field != "ordering" for error in refused)
    problems += [_problem(error, known) for error in refused]
    ordering = checked.pop("ordering", DEFAULT_ORDERING)
    texts = {
        "q" if name == "search" else name: _distinct(value)
        for name, value in values.items()
        if name != "ordering" and value not in ("", [], None)
    }
    chosen, strange = _columns(columns, table.columns_of(fields))
    if strange:
        problems.append(f"There is no column “{strange[0][:40]}”.")
    return ListState(texts, checked, ordering, chosen, segment, problems, is_refused)


def of_segment(segment: Segment) -> ListState:
    """The state that a segment stores, unchecked."""
    texts = {name: _as_text(value) for name, value in segment.filter.items() if value not in ("", [], None)}
    chosen = tuple(segment.columns) if segment.columns else table.DEFAULT
    return ListState(texts, {}, segment.ordering or DEFAULT_ORDERING, chosen, segment)


def _columns(columns: Sequence[str], known: Mapping[str, table.Column]) -> tuple[tuple[str, ...], list[str]]:
    keys = [key.strip() for part in columns for key in part.split(",") if key.strip()]
    if not keys:
        return table.DEFAULT, []
    chosen = dict.fromkeys([table.FIRST, *(key for key in keys if key in known)])
    return tuple(chosen)[:MAX_COLUMNS], [key for key in keys if key not in known]


def _problem(error: filters.InvalidFilter, fields: Mapping[str, CustomField]) -> str:
    key = error.field.removeprefix(CUSTOM)
    if error.field == filters.ERASED:
        return str(error)
    if error.is_unknown:
        return _("“%(name)s” is not a filter of this list.") % {"name": error.field[:40]}
    label = fields[key].label if key in fields else error.field.replace("_", " ")
    return _("The filter “%(name)s” can’t be used: %(reason)s") % {"name": label[:40], "reason": error}


def _missing_tags(names: Sequence[str] | None) -> list[filters.InvalidFilter]:
    """Tags that are asked for and that nobody can have; one query, where any are asked for."""
    requested = [tag for tag in names or () if tag]
    if not requested:
        return []
    known = {name.casefold() for name in Tag.objects.values_list("name", flat=True)}
    return [
        filters.InvalidFilter("tag", _("There is no tag “%(tag)s” (any more).") % {"tag": tag[:40]})
        for tag in requested
        if tag.casefold() not in known
    ]


def _as_text(value: object) -> object:
    """As an address writes it; a segment may hold JSON's own kinds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [str(one) for one in value]
    return str(value)


def _distinct(value: object) -> object:
    return list(dict.fromkeys(one for one in value if one)) if isinstance(value, list) else value
