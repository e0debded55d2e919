from __future__ import annotations


def create_table() -> None:
    """The bare view's table, in SQL that both databases take."""
    from django.db import connection

    kinds = {"postgresql": ("BIGSERIAL PRIMARY KEY", "BYTEA", "TIMESTAMPTZ")}
    key, blob, moment = kinds.get(connection.vendor, ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", "DATETIME"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE bench_row (id {key}, key VARCHAR(200) NOT NULL UNIQUE, body {blob} NOT NULL, "
            f"received_at {moment} NOT NULL)"
        )
