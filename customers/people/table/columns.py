"""The columns of the list of customers: what each is called, shows and sorts by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import dateformat

from customers.models import Customer, CustomField
from customers.people.custom_fields.values import is_empty, show
from customers.people.filters.parse import CUSTOM


@dataclass(frozen=True, slots=True)
class Column:
    """`template` shows it, given `customer` and `cell`; without one, `text` is shown as it is.

    `sort` is the ordering that its heading stands for; a column that `falls` is sorted from its largest value first.
    """

    key: str
    label: str
    template: str = ""
    text: Callable[[Customer], str] | None = None
    sort: str = ""
    falls: bool = False
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a row under a column."""

    column: Column
    text: str
    is_empty: bool

    @property
    def template(self) -> str:
        return self.column.template


@dataclass(frozen=True, slots=True)
class Row:
    customer: Customer
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Heading:
    """`direction` is what aria-sort says; `ordering` what a press on it asks for."""

    column: Column
    direction: str
    ordering: str


def _place(name: str) -> Callable[[Customer], str]:
    return lambda customer: str((customer.address or {}).get(name) or "")


_CELLS = "customers/people/table/cells"
COLUMNS: Mapping[str, Column] = {
    column.key: column
    for column in (
        Column("name", "Customer", f"{_CELLS}/name.html", sort="name"),
        Column("code", "Code", text=lambda c: c.code, sort="code", is_number=True),
        Column("reach", "Reach", f"{_CELLS}/reach.html", text=lambda c: c.phone or c.email),
        Column("company", "Company", text=lambda c: c.company),
        Column("stage", "Stage", f"{_CELLS}/stage.html"),
        Column("assigned_to", "Owner", f"{_CELLS}/owner.html"),
        Column("tags", "Tags", f"{_CELLS}/tags.html"),
        Column("status", "Status", text=lambda c: c.get_status_display()),
        Column("type", "Type", text=lambda c: c.get_type_display()),
        Column("source", "Source", f"{_CELLS}/source.html", text=lambda c: c.source),
        Column("next_follow_up_at", "Next follow-up", f"{_CELLS}/follow_up.html", sort="next_follow_up_at"),
        Column(
            "last_activity_at", "Last activity", f"{_CELLS}/last_activity.html", sort="last_activity_at", falls=True
        ),
        Column("created_at", "Created", f"{_CELLS}/created.html", sort="created_at", falls=True),
        Column("updated_at", "Changed", f"{_CELLS}/updated.html", sort="updated_at", falls=True),
        Column("city", "City", text=_place("city")),
        Column("country", "Country", text=_place("country")),
    )
}
DEFAULT = ("name", "reach", "stage", "assigned_to", "tags", "next_follow_up_at", "last_activity_at")
# Always there, and first: it leads to the customer.
FIRST = "name"


def columns_of(fields: Iterable[CustomField]) -> dict[str, Column]:
    """Every column that can be chosen, the organization's own fields last."""
    return dict(COLUMNS) | {column.key: column for column in map(_custom, fields)}


def rows_of(customers: Iterable[Customer], columns: Sequence[Column]) -> list[Row]:
    """The rows with a cell for each column; asks the database for nothing."""
    return [Row(customer, [_cell(customer, column) for column in columns]) for customer in customers]


def headings_of(columns: Sequence[Column], ordering: str) -> list[Heading]:
    """What stands above the columns; a second press on a heading turns the order round."""
    results = []
    current, is_falling = ordering.removeprefix("-"), ordering.startswith("-")
    for column in columns:
        direction, falls = "", column.falls
        if column.sort and column.sort == current:
            direction, falls = ("descending" if is_falling else "ascending"), not is_falling
        results.append(Heading(column, direction, f"-{column.sort}" if falls else column.sort))
    return results


def _cell(customer: Customer, column: Column) -> Cell:
    text = column.text(customer) if column.text else ""
    return Cell(column, text, is_empty=_is_empty(customer, column, text))


def _is_empty(customer: Customer, column: Column, text: str) -> bool:
    if column.text:
        return not text
    if column.key == "tags":
        return not customer.tags.all()
    return getattr(customer, column.key, None) is None


def _custom(field: CustomField) -> Column:
    templates = {CustomField.Type.URL: f"{_CELLS}/link.html"}
    return Column(
        f"{CUSTOM}{field.key}",
        field.label,
        templates.get(CustomField.Type(field.type), ""),
        text=_display(field),
        is_number=field.type == CustomField.Type.NUMBER,
    )


def _display(field: CustomField) -> Callable[[Customer], str]:
    def text(customer: Customer) -> str:
        value = (customer.custom_fields or {}).get(field.key)
        if is_empty(value):
            return ""
        if field.type == CustomField.Type.DATE:
            return _day(value)
        return show(field, value).replace("; ", ", ") if isinstance(value, list) else show(field, value)

    return text


def _day(value: object) -> str:
    try:
        return dateformat.format(date.fromisoformat(str(value)), "j M Y")
    except ValueError:
        return str(value)
