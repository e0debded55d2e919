"""Emptying the database after a test with real transactions: the tables that hold rows, and nothing else.

Django truncates every table and then announces a migration, upon which each app writes its content types and
permissions again. That takes longer than most of those tests. Which types and permissions there are no test changes.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def empty_tables(_case: TransactionTestCase) -> None:
    """Delete all rows, whatever refers to whatever."""
    quote = connection.ops.quote_name
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - KEPT)
    asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(asked)
        filled = [row[0] for row in cursor.fetchall()]
        if connection.vendor == "postgresql":
            # Neither triggers nor references are looked at: everything goes.
            cursor.execute("SET LOCAL session_replication_role = replica")
        for table in filled:
            cursor.execute(f"DELETE FROM {quote(table)}")


def empty_only_what_is_filled() -> None:
    """From now on, for every test with real transactions."""
    TransactionTestCase._fixture_teardown = empty_tables
