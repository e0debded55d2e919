from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connections

LIFTED = ("statement_timeout", "idle_in_transaction_session_timeout")


class Command(Migrate):
    """Django's, without the time-outs that pages and sweeps have: an index on a large table takes its time."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with connection.cursor() as cursor:
            for name in LIFTED:
                cursor.execute("SELECT set_config(%s, '0', false)", [name])
        mine = connection.connection
        usual, mine.longest_wait = mine.longest_wait, None
        try:
            super().handle(*args, **options)
        finally:
            # The connection goes back to the pool; one that broke meanwhile is thrown away.
            mine.longest_wait = usual
            if connection.connection is mine and not mine.closed:
                with connection.cursor() as cursor:
                    for name in LIFTED:
                        cursor.execute(f"RESET {name}")
