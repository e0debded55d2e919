"""Tables written for spreadsheet programs: no cell runs as a formula. Why so: docs/decisions/0021-safe-cells.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from types import TracebackType
from typing import IO

import xlsxwriter

from customers.data.tables.limits import MAX_CELL_LENGTH

BOM = b"\xef\xbb\xbf"
# A sheet's own end.
MAX_SHEET_ROWS = 1_048_575


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
