from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

LIFTED = ("statement_timeout", "idle_in_transaction_session_timeout")
# The last commit that has each migration by itself; what came after stands for all of them at once.
LAST_UNSQUASHED = "c1ef71f"


class Command(Migrate):
    """Django's, without the time-outs that pages and sweeps have: an index on a large table takes its time.

    Refuses a database that has only some of the migrations which a squashed one replaces, before anything is changed.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        refuse_partly_migrated(connection)
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with connection.cursor() as cursor:
            for name in LIFTED:
                cursor.execute("SELECT set_config(%s, '0', false)", [name])
        own = connection.connection
        usual, own.longest_wait = getattr(own, "longest_wait", None), None
        try:
            super().handle(*args, **options)
        finally:
            # The connection goes back to the pool; one that broke meanwhile is thrown away.
            own.longest_wait = usual
            if connection.connection is own and not own.closed:
                with connection.cursor() as cursor:
                    for name in LIFTED:
                        cursor.execute(f"RESET {name}")


def refuse_partly_migrated(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError where an app has some, but not all of the migrations that its squashed one replaces.

    Django itself would leave such an app out without a word and migrate the others.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    missing = []
    for key, squashed in MigrationLoader(None).replacements.items():
        names = [name for name in squashed.replaces if name not in applied]
        if key not in applied and 0 < len(names) < len(squashed.replaces):
            missing += [".".join(name) for name in names]
    if missing:
        raise CommandError(
            "This database is older than this version can upgrade: it has not had "
            f"{', '.join(missing)}. Upgrade to commit {LAST_UNSQUASHED} of Parley first and run `manage.py migrate` "
            "there, then come back to this version. Nothing was changed."
        )
