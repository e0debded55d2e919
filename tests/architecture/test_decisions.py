"""Every decision stands in the index, under one style of title, with a date and a status."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "README.md").read_text()
LINE = re.compile(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (\d{4}-\d\d-\d\d) \| (.+?) \|$", re.MULTILINE)


def test_the_index_lists_each_decision_once_in_order():
    assert [match[2] for match in LINE.finditer(INDEX)] == [path.name for path in FILES]


def test_title_date_and_status(subtests):
    for path in FILES:
        with subtests.test(path.stem):
            number, title, _, status = next(
                match.group(1, 3, 4, 5) for match in LINE.finditer(INDEX) if match[2] == path.name
            )
            assert path.read_text().splitlines()[0] == f"# {number} · {title}"
            superseded = re.fullmatch(r"superseded by \[(\d{4})\]\(.+\)", status)
            assert status == "accepted" or (superseded and any(other.name.startswith(superseded[1]) for other in FILES))
