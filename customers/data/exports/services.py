"""Lists of customers as files: what is filtered, the columns that are asked for, some thousand rows at a time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from accounts.models import Member, Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from core.safe_cells import csv_bytes, safe_column
from core.tenancy import organization_scope
from customers import events
from customers.data.tables.writing import BOM, MAX_SHEET_ROWS, Sheet
from customers.models import Customer, CustomField, Tag
from customers.models.querysets import CustomerQuerySet
from customers.people.custom_fields import services as custom_fields
from customers.people.custom_fields.values import show
from customers.people.customers.queries import customers_for, order_columns
from customers.people.fields import CUSTOM, FIELDS, Kind

PERMISSION = "customers.export"
CSV, XLSX = "csv", "xlsx"
FORMATS: Mapping[str, str] = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ROWS_AT_ONCE = 1000
BLOCK = 1 << 16
# The values of a row, or of a column: whatever a file's writer takes.
Cells = Sequence[Any]
# Where a value stands that is not in the field's own column; tags are looked up by the customers' ids.
_SOURCES: Mapping[Kind, str] = {Kind.STAGE: "stage__key", Kind.OWNER: "assigned_to__email", Kind.TAGS: "id"}
_MOMENTS = (Kind.FOLLOW_UP, Kind.MOMENT)
# What we wrote ourselves, in letters and digits.
_ALWAYS_SAFE = frozenset({*_MOMENTS, Kind.CODE, Kind.CHOICE, Kind.STAGE, Kind.OPT_OUT})
_THROUGH = Customer.tags.through._meta.db_table
# The tables' names are our own; the ids are parameters.
_TAGS = (
    f'SELECT tied.customer_id, tag.name FROM "{_THROUGH}" tied '  # noqa: S608
    f'JOIN "{Tag._meta.db_table}" tag ON tag.id = tied.tag_id WHERE tied.customer_id {{where}} ORDER BY tag.name'
)


class InvalidExport(Invalid):
    """A parameter of an export that can’t be read: `columns` or `format`."""


class AccessRevoked(Exception):
    """The member lost the permission while the file was written; the file ends in the middle, visibly."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: a customer's field, or one of the organization's own (`definition`)."""

    name: str
    header: str
    source: str
    kind: Kind = Kind.CUSTOM
    definition: CustomField | None = None


@dataclass(slots=True)
class Export:
    """A file that is produced while it is streamed. `pieces()` may run in any thread, one piece at a time."""

    member_id: UUID
    organization: Organization
    filters: Mapping[str, object]
    columns: list[Column]
    format: str
    count: int
    bom: bool = True
    created_at: datetime = field(default_factory=timezone.now)

    @property
    def content_type(self) -> str:
        return FORMATS[self.format]

    @property
    def filename(self) -> str:
        day = self.created_at.astimezone(self.organization.zone).date().isoformat()
        return f"customers-{self.organization.slug}-{day}.{self.format}"

    def pieces(self) -> Generator[bytes]:
        """The file's bytes. Raises AccessRevoked."""
        return self._csv() if self.format == CSV else self._xlsx()

    def _csv(self) -> Generator[bytes]:
        yield (BOM if self.bom else b"") + csv_bytes([[column.header for column in self.columns]])
        for rows in self._chunks():
            yield csv_bytes(rows, is_safe=True)

    def _xlsx(self) -> Generator[bytes]:
        with tempfile.TemporaryFile() as file:
            with Sheet(file, [column.header for column in self.columns]) as sheet:
                for rows in self._chunks():
                    for row in rows:
                        sheet.append(row)
                    # A breath in between: the caller may be an event loop that has others to serve.
                    yield b""
            file.seek(0)
            while block := file.read(BLOCK):
                yield block

    def _chunks(self) -> Iterator[Iterator[Cells]]:
        reader = _Reader(self)
        while True:
            # The scope is closed again before anybody waits for the client.
            with organization_scope(self.organization):
                rows = reader.next()
            if rows is None:
                return
            yield rows


def begin(
    *,
    member: Member,
    actor: Actor,
    filters: Mapping[str, object],
    columns: Sequence[str] | None = None,
    format: str = CSV,  # noqa: A002 - the contract's name
    bom: bool = True,
) -> Export:
    """Begin and record an export of the customers that match the parsed filters; every column unless some are named.

    Raises InvalidExport.
    """
    if format not in FORMATS:
        raise InvalidExport("format", f"“{format[:20]}” is not a format. Use csv or xlsx.")
    known = {column.name: column for column in available_columns()}
    for name in columns or ():
        if name not in known:
            raise InvalidExport("columns", f"“{name[:60]}” is not a column. Use: {', '.join(known)}.")
    chosen = [known[name] for name in dict.fromkeys(columns)] if columns else list(known.values())
    count = customers_for(member, filters).order_by().count()
    if format == XLSX and count > MAX_SHEET_ROWS:
        raise InvalidExport("format", f"A sheet holds {MAX_SHEET_ROWS:,} rows, these are {count:,}. Use csv.")
    named = {name: value for name, value in filters.items() if name != "ordering"}
    payload = {"count": count, "filters": named, "format": format, "columns": [column.name for column in chosen]}
    record(events.CUSTOMERS_EXPORTED, subject=member, actor=actor, payload=payload)
    return Export(member.pk, member.organization, filters, chosen, format, count, bom)


def available_columns() -> list[Column]:
    """Every column there is, the organization's own last; no header twice."""
    columns = [
        Column(one.name, str(one.header or one.label), _SOURCES.get(one.kind, one.column), one.kind)
        for one in FIELDS
        if one.is_exported
    ]
    taken = {column.header.casefold() for column in columns}
    for definition in custom_fields.definitions(CustomField.Entity.CUSTOMER):
        header = definition.label
        if header.casefold() in taken:
            header = f"{header} ({definition.key})"
        taken.add(header.casefold())
        columns.append(Column(f"{CUSTOM}{definition.key}", header, "custom_fields", definition=definition))
    return columns


# --- Reading ----------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads rows in pages by key: the millionth row is as quick as the first."""

    def __init__(self, export: Export) -> None:
        self.export = export
        name = str(export.filters.get("ordering") or "-created_at")
        order, second = order_columns(name)
        self._falls = order.startswith("-")
        self._order = order.lstrip("-")
        self._by = (order, second)
        # Those without a follow-up stand last, in the order of their ids.
        self._phases = [True, False] if self._order == "next_follow_up_at" else [None]
        self._last: tuple[object, object] | None = None
        self._sources = list(dict.fromkeys(["id", self._order, *(column.source for column in export.columns)]))

    def next(self) -> Iterator[Cells] | None:
        """The next rows as the file has them, or nothing at the end. Raises AccessRevoked."""
        member = self._member()
        while self._phases:
            rows = self._rows(self._requested(member))
            if rows:
                self._last = self._key(rows[-1])
            if len(rows) < ROWS_AT_ONCE:
                self._phases.pop(0)
                self._last = None
            if rows:
                return self._displayed(rows)
        return None

    def _member(self) -> Member:
        member = Member.objects.active().with_access().filter(pk=self.export.member_id).first()
        if member is None or not member.may(PERMISSION):
            raise AccessRevoked("The permission to export was taken away in the meantime.")
        return member

    def _requested(self, member: Member) -> CustomerQuerySet:
        rows = customers_for(member, self.export.filters)
        has_value = self._phases[0]
        if has_value is not None:
            rows = rows.filter(next_follow_up_at__isnull=not has_value)
        if has_value is False:
            rows = rows.order_by("id")
            return rows.filter(id__gt=self._last[1]) if self._last else rows
        rows = rows.order_by(*self._by)
        if self._last is None:
            return rows
        value, key = self._last
        way = "lt" if self._falls else "gt"
        # The redundant first condition lets the database start in the index where these rows start.
        return rows.filter(**{f"{self._order}__{way}e": value}).filter(
            Q(**{f"{self._order}__{way}": value}) | Q(**{self._order: value, f"id__{way}": key})
        )

    def _rows(self, customers: CustomerQuerySet) -> list[tuple[object, ...]]:
        """Rows as the driver returns them: converting models or values would take longer than all else."""
        query = customers.values_list(*self._sources)[:ROWS_AT_ONCE].query
        with connections[customers.db].cursor() as cursor:
            cursor.execute(*query.sql_with_params())
            return list(cursor.fetchall())

    def _key(self, row: tuple[object, ...]) -> tuple[object, UUID]:
        value = row[self._sources.index(self._order)]
        return _moment(value) if self._order.endswith("_at") and value else value, _uuid(row[0])

    # --- Showing ------------------------------------------------------------------------------------------------------

    def _displayed(self, rows: list[tuple[object, ...]]) -> Iterator[Cells]:
        """The rows as the file has them; converted by columns, which is several times as quick as by rows."""
        by_source = dict(zip(self._sources, zip(*rows, strict=True), strict=True))
        parsed: dict[str, list[object]] = {
            source: [json.loads(text) if text != "{}" else {} for text in by_source[source]]
            for source in ("address", "custom_fields")
            if source in by_source
        }
        columns = [self._column(column, by_source, parsed) for column in self.export.columns]
        if self.export.format == CSV:
            columns = [
                cells if column.kind in _ALWAYS_SAFE else safe_column(cells)
                for column, cells in zip(self.export.columns, columns, strict=True)
            ]
        return zip(*columns, strict=True)

    def _column(self, column: Column, by_source: Mapping[str, Any], parsed: Mapping[str, Any]) -> Cells:
        values = by_source[column.source]
        if column.kind is Kind.TAGS:
            return self._tags(values)
        if column.definition is not None:
            return [self._own(column.definition, row) for row in parsed["custom_fields"]]
        if column.kind is Kind.PLACE:
            return [row.get(column.name, "") for row in parsed["address"]]
        if column.kind in _MOMENTS:
            return self._moments(values)
        if column.kind is Kind.OPT_OUT:
            return ["yes" if value else "no" for value in values]
        if column.kind is Kind.OWNER:
            return [value or "" for value in values]
        texts: Sequence[object] = values
        return texts

    def _own(self, definition: CustomField, values: Mapping[str, object]) -> object:
        value = values.get(definition.key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and self.export.format == XLSX else show(definition, value)

    def _moments(self, values: Sequence[object]) -> Sequence[object]:
        zone = self.export.organization.zone
        results = [_moment(value).astimezone(zone) if value else None for value in values]
        if self.export.format == XLSX:
            return results
        return [moment.isoformat(" ", "seconds")[:19].removesuffix(":00") if moment else "" for moment in results]

    def _tags(self, ids: Sequence[UUID]) -> list[str]:
        names: dict[object, list[str]] = {}
        with connections["default"].cursor() as cursor:
            # The ids are as the driver gave them, and go back as they are.
            is_postgres = cursor.db.vendor == "postgresql"
            where = "= ANY(%s)" if is_postgres else f"IN ({', '.join(['%s'] * len(ids))})"
            cursor.execute(_TAGS.format(where=where), [list(ids)] if is_postgres else list(ids))
            for key, name in cursor.fetchall():
                names.setdefault(key, []).append(name)
        return [_joined(names[key]) if key in names else "" for key in ids] if names else [""] * len(ids)


def _joined(names: Sequence[str]) -> str:
    """Tags as one text that an import can split again, also where a tag has a comma."""
    text = "; ".join(names)
    return f"{text};" if len(names) == 1 and "," in text else text


_parse: Callable[[str], datetime] = datetime.fromisoformat


def _moment(value: Any) -> datetime:
    """PostgreSQL's driver gives a moment with its zone, SQLite's one in UTC without, or a text."""
    moment: datetime = _parse(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
