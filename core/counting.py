"""Several counts in one query, each up to a cap: a badge that says 99+ need not count a million rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet


def capped_counts(parts: Mapping[str, QuerySet], *, cap: int) -> dict[str, int]:
    """How many rows each queryset has, `cap` at most, by its key; one query."""
    counts = dict.fromkeys(parts, 0)
    columns: list[str] = []
    names: list[str] = []
    params: list[Any] = []
    using = "default"
    for name, rows in parts.items():
        using = rows.db
        try:
            sql, values = rows.order_by().values("pk")[:cap].query.sql_with_params()
        except EmptyResultSet:
            continue
        # Only what the ORM compiled is put together; every value is a parameter.
        columns.append(f"(SELECT COUNT(*) FROM ({sql}) AS part_{len(names)})")  # noqa: S608
        names.append(name)
        params.extend(values)
    if names:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(columns), params)
            counts |= dict(zip(names, cursor.fetchone(), strict=True))
    return counts
