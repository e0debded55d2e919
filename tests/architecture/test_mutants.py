"""The list of wrong changes is in step with the code: each text stands there once, and its tests are there."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = tomllib.loads((ROOT / "scripts" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
AREAS = {
    "claims", "reach", "window", "consent", "merge", "undo", "idempotency", "signatures", "rates", "erasure",
}  # fmt: skip


def test_a_wrong_change_can_be_made(subtests):
    for mutant in MUTANTS:
        with subtests.test(mutant["name"]):
            assert (ROOT / mutant["file"]).read_text(encoding="utf-8").count(mutant["right"]) == 1
            assert mutant["wrong"] != mutant["right"]
            assert all((ROOT / path).exists() for path in mutant["tests"].split())


def test_there_are_enough_in_every_area():
    counts = Counter(mutant["area"] for mutant in MUTANTS)
    assert sum(counts.values()) >= 80
    assert all(counts[area] >= 3 for area in AREAS), counts
    assert len({mutant["name"] for mutant in MUTANTS}) == len(MUTANTS)
