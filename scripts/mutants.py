"""`make mutants`: wrong changes that the tests have to notice, one after the other; run by hand.

scripts/mutants.toml lists them: a file, a text in it, the wrong text, and the tests that fail for it. A change that
passes them is a survivor: the tests are blind there. The tree has to be clean; each change is taken back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# For one test.
MAX_SECONDS = 120
# A short test, for the database that it needs.
NEEDS_A_DATABASE = "tests/core/test_migrate.py"


@dataclass(frozen=True)
class Mutant:
    """A wrong change, and the tests that notice it; `right` stands once in the file."""

    area: str
    name: str
    file: str
    right: str
    wrong: str
    tests: str
    # Whether only PostgreSQL shows it: then DATABASE_URL has to name one.
    needs_postgresql: bool = False


def load() -> list[Mutant]:
    """The list, as scripts/mutants.toml has it."""
    rows = tomllib.loads((ROOT / "scripts" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**row) for row in rows]


def main() -> None:
    """Try each, or those whose area or name has one of the words given; exit code 1 where one survives."""
    words = sys.argv[1:]
    chosen = [one for one in load() if not words or any(word in f"{one.area} {one.name}" for word in words)]
    if "postgres" not in os.environ.get("DATABASE_URL", ""):
        for one in [one for one in chosen if one.needs_postgresql]:
            print(f"left out  {one.name}: DATABASE_URL names no PostgreSQL")
        chosen = [one for one in chosen if not one.needs_postgresql]
    with tempfile.TemporaryDirectory(prefix="parley-mutants-") as folder:
        # No change is made to a migration, and migrating was more than half of what a change cost.
        database = Path(folder) / "migrated.sqlite3"
        make_database(database)
        survivors = [one.name for one in chosen if not is_noticed(one, database)]
    print(f"{len(chosen)} wrong changes, {len(survivors)} not noticed{':' if survivors else '.'}")
    for name in survivors:
        print(f"  {name}")
    sys.exit(1 if survivors else 0)


def make_database(database: Path) -> None:
    """Have the code as it is, before anything is changed, leave its migrated SQLite database there."""
    result = run(["-q", NEEDS_A_DATABASE], database)
    if result.returncode != 0:
        sys.exit(f"{NEEDS_A_DATABASE} fails without any change:\n{result.stdout}{result.stderr}")


def run(options: list[str], database: Path) -> subprocess.CompletedProcess[str]:
    """Pytest's exit code, and what it printed."""
    line = [sys.executable, "-m", "pytest", "-p", "tests.migrated", *options]
    environment = os.environ | {"MIGRATED_DATABASE": str(database)}
    return subprocess.run(line, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


def is_noticed(mutant: Mutant, database: Path) -> bool:
    """Whether the mutant's tests fail; exit where it can't be made."""
    if "/migrations/" in mutant.file:
        sys.exit(f"{mutant.file}: the tests of a change share one migrated database")
    begun = time.monotonic()
    path = ROOT / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        sys.exit(f"{mutant.file} does not hold this once: {mutant.right}")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        # A change may well make a test wait for ever: that is noticed too.
        options = ["-q", "-x", "--timeout", str(MAX_SECONDS), "-m", "not browser and not fuzz"]
        code = run([*options, *mutant.tests.split()], database).returncode
    finally:
        path.write_text(text, encoding="utf-8")
    result = "noticed" if code == 1 else f"SURVIVES ({code})"
    print(f"{result}  {mutant.name} ({time.monotonic() - begun:.0f} s)", flush=True)
    return code == 1


if __name__ == "__main__":
    main()
