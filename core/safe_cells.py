"""Cells that a spreadsheet program does not run as formulas. Why so: docs/decisions/0021-safe-cells.md."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# What spreadsheet programs take for the beginning of a formula, full-width forms included.
_FORMULA = "=+@\t\r\n＝＋－＠-"
# What some programs take off a cell before they look at it: blanks of every width, and signs that nobody sees.
_UNSEEN = r"[\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]*"
_RISKY = re.compile(f"'*{_UNSEEN}[{_FORMULA}]")
_GUARDED = re.compile(f"'+{_UNSEEN}[{_FORMULA}]")
# A phone number or a number: whatever a program makes of it, it calls nothing and points nowhere.
_NUMBER = re.compile(r"[+-][ .,()-]*+\d[\d .,()-]*")


def safe(cell: str) -> str:
    """The cell with a ' in front where a spreadsheet program would take it for a formula; `plain` gives it back."""
    if not cell or cell[0].isalnum():
        return cell  # begins with a letter or a digit, as nearly all do
    if _RISKY.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def plain(cell: str) -> str:
    """The cell before `safe`."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def safe_column(cells: Iterable[str]) -> list[str]:
    """`safe` for each of many cells, most of which need nothing."""
    return [cell if cell[:1].isalnum() else safe(cell) for cell in cells]


def csv_bytes(rows: Iterable[Sequence[str]], *, delimiter: str = ",", is_safe: bool = False) -> bytes:
    """Rows of texts as UTF-8, lines ended as RFC 4180 says; `is_safe` where each cell is known to be."""
    out = io.StringIO(newline="")
    cells = rows if is_safe else [[safe(cell) for cell in row] for row in rows]
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(cells)
    # Half of a surrogate pair can't be written; no database of ours holds one.
    return out.getvalue().encode("utf-8", errors="replace")
