"""More of the same on PostgreSQL: copies of a clinic's rows, made by the database itself.

Writing a million customers one by one takes half an hour, copying a hundred thousand nine times takes minutes. A copy
of a row has an id that is made of the row's and the copy's number, and so do those that point to it.
"""

from __future__ import annotations

from typing import Any


def multiply(organization: Any, *, times: int, codes: int) -> None:
    """So many times as many customers, with their deals, tasks, moves and outcomes; `codes` is the last code's number.

    Their phones, tags and messages are not copied, and the search's index goes: nobody searches here.
    """
    from django.db import connection

    from customers.models import Customer, Deal, Outcome, StageChange, Task

    models = (Customer, Deal, Task, StageChange, Outcome)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS customer_search")
        for model in models:
            table = model._meta.db_table
            cursor.execute(
                f'CREATE TEMPORARY TABLE "first_{table}" AS SELECT * FROM "{table}" WHERE organization_id = %s',
                [str(organization.pk)],
            )
        for copy in range(1, times):
            code = f"(code_number + {copy * codes})"
            of_customers = {"code": f"'C' || {code}", "code_number": code, "is_duplicate_check_due": "false"}
            for model in models:
                own = of_customers if model is Customer else {"series": "NULL", "origin": "''"}
                cursor.execute(_copy(model, copy, own))


def _copy(model: Any, copy: int, own: dict[str, str]) -> str:
    values = {"id": _copied("id", copy), "customer_id": _copied("customer_id", copy), **own}
    columns = [field.column for field in model._meta.local_concrete_fields]
    names = ", ".join(f'"{column}"' for column in columns)
    read = ", ".join(values.get(column, f'"{column}"') for column in columns)
    table = model._meta.db_table
    return f'INSERT INTO "{table}" ({names}) SELECT {read} FROM "first_{table}"'


def _copied(column: str, copy: int) -> str:
    return f"md5({column}::text || '-{copy}')::uuid"
