"""The installation before which all browsers of a run stand: a database of its own, and web, worker and beat on it.

The parallel processes of a run share one, which the process that started them makes; its address comes to them by the
environment. A run in one process makes it for itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.browser.stack import ROOT, Stack, free_port

# What hands it on. Whoever has it keeps the folder and the Redis database of the environment: see tests/environment.py.
SHARED = "BROWSER_INSTALLATION"


def environment_of(database: str, port: int) -> dict[str, str]:
    """For a process of the installation."""
    address = f"http://127.0.0.1:{port}"
    return {**os.environ, "DATABASE_URL": database, "EXTRA_APPS": "", "PUBLIC_BASE_URL": address}


@contextmanager
def installed() -> Iterator[Stack]:
    """A fresh database and the running processes; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="parley-browser-") as logs, _database() as database:
        port = free_port()
        stack = Stack(environment_of(database, port), Path(logs), port)
        stack.start()
        try:
            stack.wait_until_ready()
            yield stack
        finally:
            stack.stop()


def shared() -> Stack | None:
    """The one that another process of this run has made, if any."""
    if not (given := os.environ.get(SHARED)):
        return None
    known: Mapping[str, str] = json.loads(given)
    port = int(known["port"])
    return Stack(environment_of(known["database"], port), Path(known["logs"]), port)


def share(stack: Stack) -> None:
    """Say to the processes that this one starts from now on where it is."""
    known = {"database": stack.environment["DATABASE_URL"], "port": str(stack.port), "logs": str(stack.logs)}
    os.environ[SHARED] = json.dumps(known)


@contextmanager
def _database() -> Iterator[str]:
    if not os.environ.get("DATABASE_URL"):
        # In the folder of this run, which goes with it.
        yield _migrated(f"sqlite:///{os.environ['DATA_DIR']}/browser.sqlite3")
        return
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"parley_browser_{os.getpid()}"
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield _migrated(parts._replace(path=f"/{name}").geturl())
        finally:
            # A session whose process has just gone may still be on its way out.
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _migrated(database: str) -> str:
    for command in ("migrate", "createcachetable"):
        line = [sys.executable, "manage.py", command, "--verbosity", "0"]
        subprocess.run(line, cwd=ROOT, env=environment_of(database, 0), check=True)
    return database
