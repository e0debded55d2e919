"""The environment of what is measured: settings as in production, a folder and a database of its own."""

from __future__ import annotations

import base64
import os
import secrets
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What of the caller's is handed on; the last two choose sizes.
INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PGOPTIONS", "SIZES", "BENCH_ROWS")
PUBLIC = "https://bench.example"


def environment(data: Path, database: str, redis: str) -> dict[str, str]:
    """For a process of the benchmark; nothing of the caller's own settings gets in."""
    variables = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return variables | {
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(data),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_BASE_URL": PUBLIC,
        "TRUSTED_PROXY_COUNT": "1",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def own_database() -> Generator[dict[str, str]]:
    """A fresh database beside the one that is set; the variables that lead another process there."""
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield {**os.environ, "DATABASE_URL": _url(connection)}
    finally:
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()
        connection.creation.destroy_test_db(str(connection.settings_dict["NAME"]), verbosity=0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _url(connection: Any) -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    login = f"{values['USER']}:{values['PASSWORD']}" if values["PASSWORD"] else values["USER"]
    return f"postgres://{login}@{values['HOST']}:{values['PORT'] or 5432}/{values['NAME']}"
