"""Tables written for spreadsheet programs: no cell runs as a formula. Why so: docs/decisions/0021-safe-cells.md."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import IO

import xlsxwriter

from customers.data.tables.limits import MAX_CELL_LENGTH

BOM = b"\xef\xbb\xbf"
# A sheet's own end.
MAX_SHEET_ROWS = 1_048_575

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


class Sheet:
    """An XLSX file with one sheet, written row by row in constant memory.

    with Sheet(file, ["Name", "E-mail"]) as sheet:
        sheet.append(["Ada", "ada@example.com"])
    """

    def __init__(self, file: IO[bytes], headers: Sequence[str], *, title: str = "Customers") -> None:
        self._book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd hh:mm",
                "remove_timezone": True,
            },
        )
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        bold = self._book.add_format({"bold": True})
        self._sheet = self._book.add_worksheet(title)
        self._sheet.freeze_panes(1, 0)
        for column, header in enumerate(headers):
            self._sheet.set_column(column, column, min(max(len(header) + 2, 12), 40))
            self._sheet.write_string(0, column, header, bold)
        self.count = 0

    def append(self, values: Sequence[object]) -> None:
        """A row of texts, numbers, booleans, days and moments; a text longer than a cell holds is cut."""
        self.count += 1
        for column, value in enumerate(values):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                self._sheet.write_string(self.count, column, _xml_text(value))
            elif isinstance(value, bool):
                self._sheet.write_boolean(self.count, column, value)
            elif isinstance(value, int | float):
                self._sheet.write_number(self.count, column, value)
            elif isinstance(value, datetime):
                self._sheet.write_datetime(self.count, column, value)
            elif isinstance(value, date):
                self._sheet.write_datetime(self.count, column, value, self._day)
            else:
                self._sheet.write_string(self.count, column, _xml_text(str(value)))

    def __enter__(self) -> Sheet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()


def _xml_text(text: str) -> str:
    return text if len(text) <= MAX_CELL_LENGTH else f"{text[: MAX_CELL_LENGTH - 1]}…"
