"""`python -m bench [webhook] [burst] [outbound] [search] [pipeline] [imports] [exports] [rules] [rehearsals]
[deactivation] [kills]`.

`kills` only where it is named: it takes an hour.

Each on SQLite with the local broker; with DATABASE_URL, and REDIS_URL if there is one, there as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.environment import environment

MEASURES = (
    "webhook", "burst", "outbound", "search", "pipeline", "imports", "exports", "rules", "rehearsals", "deactivation",
)  # fmt: skip
LONG = ("kills",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = (*MEASURES, *LONG)
    parser.add_argument(
        "measures", nargs="*", metavar="measure", help=f"{' or '.join(known)}; without, all but the last"
    )
    chosen = parser.parse_args().measures or MEASURES
    if wrong := set(chosen) - set(known):
        parser.error(f"{', '.join(sorted(wrong))}: choose from {', '.join(known)}.")
    targets = [("SQLite and the local broker", "", "")]
    if os.environ.get("DATABASE_URL"):
        redis = os.environ.get("REDIS_URL", "")
        targets.append(("PostgreSQL and Redis" if redis else "PostgreSQL", os.environ["DATABASE_URL"], redis))
    worst = 0
    for label, database, redis in targets:
        for measure in chosen:
            print(f"\n{measure}, {label}", flush=True)
            with tempfile.TemporaryDirectory(prefix="parley-bench-") as data:
                variables = environment(Path(data), database, redis)
                done = subprocess.run([sys.executable, "-m", f"bench.{measure}"], env=variables, check=False)
            worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
