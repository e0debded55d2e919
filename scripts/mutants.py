"""`make mutants`: wrong changes that the tests have to notice, one after the other; run by hand.

scripts/mutants.toml lists them: a file, a text in it, the wrong text, and the tests that fail for it. A change that
passes them is a survivor: the tests are blind there. The tree has to be clean; each change is taken back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# For one test.
MAX_SECONDS = 120


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
    survivors = [one.name for one in chosen if not is_noticed(one)]
    print(f"{len(chosen)} wrong changes, {len(survivors)} not noticed{':' if survivors else '.'}")
    for name in survivors:
        print(f"  {name}")
    sys.exit(1 if survivors else 0)


def is_noticed(mutant: Mutant) -> bool:
    path = ROOT / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        sys.exit(f"{mutant.file} does not hold this once: {mutant.right}")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        # A change may well make a test wait for ever: that is noticed too.
        options = ["-q", "-x", "--timeout", str(MAX_SECONDS), "-m", "not browser and not fuzz"]
        line = [sys.executable, "-m", "pytest", *options, *mutant.tests.split()]
        code = subprocess.run(line, cwd=ROOT, check=False, capture_output=True).returncode
    finally:
        path.write_text(text, encoding="utf-8")
    print(f"{'noticed' if code == 1 else f'SURVIVES ({code})'}  {mutant.name}", flush=True)
    return code == 1


if __name__ == "__main__":
    main()
