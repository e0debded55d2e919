"""On PostgreSQL parts of words are found by an index: trigrams, behind the window of `customers.finding`.

The organization is in the window. As a column of its own it made the index five times slower: an index of this kind
goes through all rows of the one large organization to find those that it shares with a word.

Both extensions come with PostgreSQL and are trusted: the database's owner may create them. Elsewhere the same question
is answered by looking at every row.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


def make(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
        schema_editor.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS customer_search ON customers_customer "
            "USING gin (search_window, search_text gin_trgm_ops)"
        )


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS customer_search")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customers", "0003_fill_keys")]

    operations = [migrations.RunPython(make, drop)]
