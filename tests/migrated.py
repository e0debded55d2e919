"""A migrated, empty SQLite database that several test runs share: migrating is most of a short run (`make mutants`).

Loaded by `-p tests.migrated` with MIGRATED_DATABASE, the path of a file: the first run migrates and leaves the database
there, those after it copy it. Whoever loads it answers for the migrations being the same in all of them. On other
databases nothing changes.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from django.core import management
from django.db import connections

KEPT = Path(os.environ["MIGRATED_DATABASE"])

_call_command = management.call_command


def call_command(name: Any, *args: Any, **options: Any) -> Any:
    """Django's own, but for `migrate` of the database of a run that just begins."""
    connection = connections[options.get("database", "default")]
    if name != "migrate" or not options.get("run_syncdb") or connection.vendor != "sqlite":
        return _call_command(name, *args, **options)
    connection.ensure_connection()
    if KEPT.exists():
        with closing(sqlite3.connect(KEPT)) as kept:
            kept.backup(connection.connection)
        return None
    result = _call_command(name, *args, **options)
    # Under its name only when it is whole: a run may be stopped meanwhile.
    unfinished = KEPT.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as kept:
        connection.connection.backup(kept)
    unfinished.rename(KEPT)
    return result


management.call_command = cast("Any", call_command)
