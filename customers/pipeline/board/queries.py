"""The columns of a board: the first rows of each, and the rest page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model, QuerySet

from accounts.models import Member
from core.pagination import cursor_of, page_after
from core.tenancy import TenantModel
from customers.models import Customer, Stage
from customers.models.querysets import CustomerQuerySet
from customers.people.customers.queries import customers_for
from customers.pipeline.board import summary as board
from customers.pipeline.board.summary import StageSummary

CARDS = 25
FALLING, RISING = ("-last_activity_at", "-id"), ("last_activity_at", "id")
# What no card shows.
UNUSED_COLUMNS = ("notes", "search_text", "former_codes", "company_key", "address_key", "address", "custom_fields")
Order = tuple[str, str]
Row = TypeVar("Row", bound=Model)


Record = TypeVar("Record", bound=TenantModel)
Key = TypeVar("Key")


@dataclass(slots=True)
class Column(Generic[Row]):
    """A stage with its first rows. `overdue` and `average_days` are of customers only."""

    stage: Stage
    count: int = 0
    value: Decimal = Decimal(0)
    overdue: int = 0
    average_days: float | None = None
    rows: Sequence[Row] = field(default_factory=list)
    cursor: str = ""


def customers_in(member: Member, filters: Mapping[str, object]) -> CustomerQuerySet:
    """The customers on the board; the filters' own order is none of the board's."""
    return customers_for(member, filters).order_by()


def heads(member: Member, filters: Mapping[str, object], stages: Sequence[Stage]) -> list[Column[Customer]]:
    """A column for each stage, with its sums and without rows; only the stage that is asked for, where one is."""
    requested = filters.get("stage")
    chosen_stages = [stage for stage in stages if not requested or stage.key == requested]
    return [_head(summary) for summary in board.summary(member, filters, stages=chosen_stages)]


def columns(
    member: Member, filters: Mapping[str, object], order: Order, stages: Sequence[Stage]
) -> list[Column[Customer]]:
    """Every column with its first cards: four queries, however many stages, customers and tags there are."""
    result = heads(member, filters, stages)
    fill(result, customers_in(member, filters), order, with_card_relations)
    return result


def fill(
    columns: Sequence[Column[Record]],
    rows: QuerySet[Record],
    order: Order,
    related: Callable[[QuerySet[Record]], QuerySet[Record]],
) -> None:
    """Put the first rows of each stage into its column."""
    parts = {column.stage.pk: rows.filter(stage=column.stage.pk).order_by(*order) for column in columns}
    ids = first_ids(parts, size=CARDS + 1)
    chosen = rows.model.objects.filter(pk__in=[pk for key in ids for pk in ids[key]])
    known = {row.pk: row for row in related(chosen)}
    for column in columns:
        first = sorted(
            (known[pk] for pk in ids[column.stage.pk] if pk in known),
            key=lambda row: (getattr(row, order[0].lstrip("-")), row.pk),
            reverse=order[0].startswith("-"),
        )
        column.rows = first[:CARDS]
        column.cursor = cursor_of(column.rows[-1], order[0].lstrip("-")) if len(first) > CARDS else ""


def following(rows: QuerySet[Row], column: Column[Row], cursor: str, order: Order) -> None:
    """Put the rows after a cursor into a column. Raises InvalidCursor."""
    page = page_after(rows.filter(stage=column.stage.pk), cursor=cursor, size=CARDS, order=order)
    column.rows, column.cursor = page.rows, page.next_cursor


def with_card_relations(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """All that a customer's card shows, in two queries."""
    result: QuerySet[Customer] = rows.with_list_relations().defer(*UNUSED_COLUMNS)  # type: ignore[attr-defined]
    return result


def first_ids(parts: Mapping[Key, QuerySet[Model]], *, size: int) -> dict[Key, list[UUID]]:
    """The ids of the first rows of each queryset, in its order; one statement for all of them.

    Asked for by ids first, so that each part ends in the index of its stage after a few rows.
    """
    results: dict[Key, list[UUID]] = {key: [] for key in parts}
    selects: list[str] = []
    params: list[Any] = []
    keys = list(parts)
    using = "default"
    for number, rows in enumerate(parts.values()):
        using = rows.db
        try:
            sql, values = rows.values("pk")[:size].query.sql_with_params()
        except EmptyResultSet:
            continue
        # Only what the ORM compiled is put together; every value is a parameter.
        selects.append(f"SELECT {number} AS part, part_{number}.* FROM ({sql}) AS part_{number}")  # noqa: S608
        params.extend(values)
    if selects:
        with connections[using].cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects), params)
            for number, pk in cursor.fetchall():
                results[keys[number]].append(pk if isinstance(pk, UUID) else UUID(pk))
    return results


def _head(summary: StageSummary) -> Column[Customer]:
    return Column(
        stage=summary.stage,
        count=summary.count,
        value=summary.value,
        overdue=summary.overdue,
        average_days=summary.average_days,
    )
