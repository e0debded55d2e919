"""The columns of the list of customers: what each is called, shows and sorts by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import dateformat
from django.utils.translation import gettext as _

from customers.models import Customer, CustomField
from customers.people.custom_fields.values import is_empty, show
from customers.people.fields import CUSTOM, FIELDS, CustomerField, Kind
from customers.people.filters.parse import ORDERINGS


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
    """What stands in a row under a column: a text, or a value that the column's template shows."""

    column: Column
    text: str = ""
    value: object = None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.value)

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


_CELLS = "customers/people/table/cells"
# Kinds with a template of their name instead of a text.
_WITH_TEMPLATE = (Kind.STAGE, Kind.OWNER, Kind.TAGS, Kind.FOLLOW_UP, Kind.MOMENT)
_SORTED = {ordering.removeprefix("-") for ordering in ORDERINGS}
DEFAULT = ("name", "reach", "stage", "assigned_to", "tags", "next_follow_up_at", "last_activity_at")
# Always there, and first: it leads to the customer.
FIRST = "name"


def columns_of(fields: Iterable[CustomField]) -> dict[str, Column]:
    """Every column that can be chosen, the organization's own fields last."""
    first = [
        Column(FIRST, _("Customer"), f"{_CELLS}/name.html", sort=FIRST),
        Column("reach", _("Reach"), f"{_CELLS}/reach.html", text=lambda c: c.phone or c.email),
    ]
    declared = [_column(field) for field in FIELDS if field.is_column and field.kind is not Kind.NAME]
    return {column.key: column for column in (*first, *declared, *map(_custom, fields))}


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
    if column.text:
        return Cell(column, text=column.text(customer))
    return Cell(column, value=customer.tags.all() if column.key == "tags" else getattr(customer, column.key))


def _column(field: CustomerField) -> Column:
    return Column(
        field.name,
        str(field.label),
        f"{_CELLS}/{field.kind.name.lower()}.html" if field.kind in (*_WITH_TEMPLATE, Kind.SOURCE) else "",
        text=None if field.kind in _WITH_TEMPLATE else field.text_of,
        sort=field.name if field.name in _SORTED else "",
        falls=field.kind is Kind.MOMENT,
        is_number=field.kind is Kind.CODE,
    )


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
            return day_in_words(value)
        return show(field, value).replace("; ", ", ") if isinstance(value, list) else show(field, value)

    return text


def day_in_words(value: object) -> str:
    """A day in words; anything else as it is."""
    try:
        return dateformat.format(date.fromisoformat(str(value)), "j M Y")
    except ValueError:
        return str(value)
