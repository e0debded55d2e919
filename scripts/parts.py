"""The parts of a running Parley and the command of each: `python scripts/parts.py web` becomes that part.

`make run` starts all three under one supervisor, docker compose each in a container; the commands are these.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def command(part: str, environment: Mapping[str, str], python: str = sys.executable) -> list[str]:
    """The command line of a part. Raises KeyError for one that there is not."""
    celery = [python, "-m", "celery", "--quiet", "-A", "crm_project"]
    return {
        "web": [
            *(python, "-m", "uvicorn", "crm_project.asgi:application"),
            *("--host", environment.get("HOST") or "127.0.0.1"),
            *("--port", environment.get("PORT") or "8000"),
            *("--workers", environment.get("WEB_WORKERS") or "1"),
            # Else open streams keep it alive after SIGTERM.
            *("--timeout-graceful-shutdown", "5"),
            # Who is believed about the client's address is said by TRUSTED_PROXY_COUNT, and the log has its own line.
            *("--no-proxy-headers", "--no-access-log", "--no-server-header", "--lifespan", "off"),
        ],
        "worker": [*celery, "worker", "--without-gossip", "--without-mingle", "--hostname", "worker@%h"],
        "beat": [*celery, "beat", "--pidfile="],
    }[part]


PARTS = ("web", "worker", "beat")


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
        sys.exit(f"Say which part: {', '.join(PARTS)}.")
    os.chdir(ROOT)
    line = command(sys.argv[1], os.environ)
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
