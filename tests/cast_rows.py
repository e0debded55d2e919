"""The cast's rows: written once in each test process by the services, and put before a test as they are.

Signing up takes many more statements than rows, and nearly every test begins with it. So the services write the cast
once, in a transaction that is rolled back; what each step wrote is kept, and a test that asks for a person gets those
rows by one INSERT a table, under ids of its own, so that nothing is carried from one test into the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models, transaction
from django.test import override_settings

from core.ids import uuid7

UUID_TEXT = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
Row = tuple[Any, ...]
Ids = dict[UUID, UUID]


@dataclass
class Table:
    """Rows of one model, in the columns that are not numbered by the database."""

    name: str
    columns: list[str]
    has_uuid: bool
    rows: list[Row] = field(default_factory=list)

    @property
    def insert(self) -> str:
        quote = connection.ops.quote_name
        row = f"({', '.join(['%s'] * len(self.columns))})"
        columns = ", ".join(map(quote, self.columns))
        return f"INSERT INTO {quote(self.name)} ({columns}) VALUES {', '.join([row] * len(self.rows))}"


class Step:
    """What one person's coming wrote. `put` writes it again under new ids, which it adds to those it is given."""

    def __init__(self, tables: list[Table]) -> None:
        self.ids = sorted(UUID(str(row[0])) for table in tables if table.has_uuid for row in table.rows)
        self._inserts = [(table.insert, [value for row in table.rows for value in row]) for table in tables]

    def put(self, ids: Ids) -> None:
        # In the order of the old ones: what was written later still has the later id.
        ids |= {old: uuid7() for old in self.ids}
        with transaction.atomic(), connection.cursor() as cursor:
            for sql, values in self._inserts:
                cursor.execute(sql, [_with_new_ids(value, ids) for value in values])


def _with_new_ids(value: Any, ids: Ids) -> Any:
    """The value with each id of the cast exchanged, also inside of texts and JSON."""
    if isinstance(value, UUID):
        return ids.get(value, value)
    if not isinstance(value, str) or len(value) < 32:
        return value

    def new(match: re.Match[str]) -> str:
        given = ids.get(UUID(match[0]))
        return match[0] if given is None else str(given) if match[1] else given.hex

    return UUID_TEXT.sub(new, value)


class Recorder:
    """Keeps what each step writes, while the cast is made for the first time."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._before = every_row()

    def keep(self, name: str) -> None:
        """The rows since the last step are this one's. Raises AssertionError where it changed what was there."""
        after = every_row()
        tables = []
        for label, table in after.items():
            old = {repr(row) for row in self._before[label].rows}
            new = [row for row in table.rows if repr(row) not in old]
            if len(table.rows) - len(new) != len(old):
                raise AssertionError(f"{name} changes rows of {label} that another step wrote")
            if new:
                tables.append(Table(table.name, table.columns, table.has_uuid, new))
        self.steps[name] = Step(tables)
        self._before = after


def every_row() -> dict[str, Table]:
    """All rows of all models, by the model's label."""
    tables = {}
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        fields = [f for f in model._meta.local_concrete_fields if not isinstance(f, models.AutoField)]
        fields.sort(key=lambda one: not one.primary_key)
        table = Table(model._meta.db_table, [str(f.column) for f in fields], isinstance(fields[0], models.UUIDField))
        table.has_uuid = table.has_uuid and fields[0].primary_key
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(map(connection.ops.quote_name, table.columns))} FROM {table.name}")
            table.rows = [tuple(row) for row in cursor.fetchall()]
        tables[model._meta.label] = table
    return tables


@contextmanager
def recording() -> Iterator[Recorder]:
    """A transaction in which the cast is made, and of which nothing stays but what was kept."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]), transaction.atomic():
        yield Recorder()
        transaction.set_rollback(True)
