"""Inserting many rows, several times as quick as `bulk_create`, which builds a statement for every few rows.

One statement is prepared once on SQLite; PostgreSQL gets a COPY. Nothing is read back, no signal is sent; a primary key
that is left empty is the database's to give. Unique keys and foreign keys hold as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.fields import OneLine
from core.optional import not_none

Converter = Callable[[Any], Any]


def insert(rows: Iterable[models.Model]) -> int:
    """Write new rows of one model, in the caller's transaction; how many. Raises IntegrityError."""
    objects = list(rows)
    if not objects:
        return 0
    model = type(objects[0])
    fields = [field for field in model._meta.concrete_fields if not (field.primary_key and objects[0].pk is None)]
    names = [field.attname for field in fields]
    insert_values(model, names, ([getattr(row, name) for name in names] for row in objects))
    using = router.db_for_write(model)
    for row in objects:
        row._state.adding = False
        row._state.db = using
    return len(objects)


def insert_values(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of plain values, without an object for each; `names` are attributes, `customer_id` for instance.

    What is not named has to have a default in the database. Raises IntegrityError.
    """
    connection = connections[router.db_for_write(model)]
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    converters = [_converter(field, connection) for field in fields]
    values = [
        tuple([value if convert is None else convert(value) for value, convert in zip(row, converters, strict=True)])
        for row in rows
    ]
    if not values:
        return
    quote = connection.ops.quote_name
    table, columns = quote(model._meta.db_table), ", ".join(quote(not_none(field.column)) for field in fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _copy(connection, cursor, f"COPY {table} ({columns}) FROM STDIN", values)
        else:
            marks = ", ".join(["%s"] * len(fields))
            # Names come from our own models, quoted; every value is a parameter.
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # noqa: S608


def _copy(
    connection: BaseDatabaseWrapper, cursor: CursorWrapper, statement: str, values: Sequence[tuple[object, ...]]
) -> None:
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in values:
            copy.write_row(row)


def _converter(field: models.Field, connection: BaseDatabaseWrapper) -> Converter | None:
    """The conversion from an attribute to the driver's value; None where there is none to make."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.UUIDField) and connection.features.has_native_uuid_field:
        return None
    if isinstance(target, models.UUIDField):
        return lambda value: value.hex if hasattr(value, "hex") else target.get_db_prep_value(value, connection)
    if isinstance(target, models.DateTimeField):
        adapt = connection.ops.adapt_datetimefield_value
        return None if connection.vendor == "postgresql" else lambda value: None if value is None else adapt(value)
    if isinstance(target, OneLine):
        return target.get_prep_value
    if isinstance(target, models.CharField | models.TextField):
        # A member of a TextChoices is written as its value.
        return lambda value: value if type(value) is str or value is None else str(value)
    if isinstance(target, models.IntegerField | models.BooleanField):
        return None
    return lambda value: field.get_db_prep_save(value, connection)
