"""A container's health: `python scripts/healthcheck.py web|worker|beat` ends with 0 when that part is alive.

The web process answers; worker and beat touch a file as they receive and tick. /health/ready says whether all is well.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.request
from pathlib import Path

ALIVE_WITHIN_SECONDS = 60


def web() -> bool:
    host = (os.environ.get("ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".")
    request = urllib.request.Request(
        f"http://127.0.0.1:{os.environ.get('PORT') or 8000}/health", headers={"Host": host}
    )
    with urllib.request.urlopen(request, timeout=4) as response:  # noqa: S310 - this container's own address
        return bool(response.status == 200)


def touched(part: str) -> bool:
    file = Path(os.environ.get("DATA_DIR") or "var") / "alive" / f"{part}.{socket.gethostname()}"
    return time.time() - file.stat().st_mtime < ALIVE_WITHIN_SECONDS


def main() -> int:
    part = sys.argv[1]
    try:
        return 0 if (web() if part == "web" else touched(part)) else 1
    except OSError as error:
        print(f"{part}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
