"""Rows in an order of chance wherever nobody asked for one: `SHUFFLE_ROWS=true make test`.

A database gives rows that nobody ordered as it likes. SQLite and a small PostgreSQL nearly always like the order of
insertion, so a test, or a page, that relies on it passes for months and then does not.
"""

from __future__ import annotations

import os
from typing import Any

from django.db.models.expressions import OrderBy
from django.db.models.functions import Random
from django.db.models.sql.compiler import SQLCompiler


def shuffle_where_asked() -> None:
    """Where SHUFFLE_ROWS is set: order every plain SELECT that has no order by chance."""
    if not os.environ.get("SHUFFLE_ROWS"):
        return
    given = SQLCompiler.get_order_by

    def get_order_by(compiler: SQLCompiler) -> Any:
        result, query = given(compiler), compiler.query
        is_plain = type(compiler) is SQLCompiler and query.model is not None and query.group_by is None
        if result or not is_plain or query.subquery or query.distinct or query.combinator or query.annotation_select:
            return result
        chance = OrderBy(Random()).resolve_expression(query, allow_joins=True, reuse=None)
        sql, params = compiler.compile(chance)
        return [(chance, (sql, params, False))]

    SQLCompiler.get_order_by = get_order_by  # type: ignore[method-assign, assignment]
