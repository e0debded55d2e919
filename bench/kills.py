"""5,000 runs that wait, and 500 kills of the worker while they go on: none is lost, none goes on twice.

The test that CI does with a few (`tests/processes/test_waits_killed.py`), at its whole size.
"""

from __future__ import annotations

import os
import subprocess
import sys

RUNS = 5_000
KILLS = 500


def main() -> int:
    sizes = {"WAITS_KILLED_RUNS": str(RUNS), "WAITS_KILLED_KILLS": str(KILLS)}
    environment = {**os.environ, **sizes, "DJANGO_SETTINGS_MODULE": "crm_project.settings"}
    environment.pop("DEBUG", None)
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/processes/test_waits_killed.py"]
    print(f"{RUNS} runs, {KILLS} kills", flush=True)
    return subprocess.run([*test, "-m", "processes", "--durations=1"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
