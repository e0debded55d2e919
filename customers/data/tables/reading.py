"""CSV and XLSX, read row by row into texts.

    table = open_table(file)
    for number, cells in table.rows():   # number: as a spreadsheet program counts, the header being 1

Everything that is refused raises RefusedFile with a sentence. A CSV is read in constant memory; an XLSX is measured
first (`workbook_checks`), then held by its parser.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import IO, TypeVar

import python_calamine

from core.safe_cells import plain
from customers.data.tables import sniffing, workbook_checks
from customers.data.tables.limits import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    MAX_LINE_LENGTH,
    Limits,
    RefusedFile,
    TooLargeFile,
    kind_of,
    require_few_rows,
)

Row = tuple[int, list[str]]

_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Half of a surrogate pair, and what stands for "no character".
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
LARGEST_WHOLE = 1e15


Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table. `rows()` begins anew each time; empty rows are left out, cells are as many as headers, or more
    where a row is too long."""

    format: str
    dialect: dict[str, str]
    headers: list[str]
    rows: Callable[[], Iterator[Row]]


def open_table(file: IO[bytes], limits: Limits | None = None) -> Table:
    """Open a table: checks a file's beginning, and of XLSX all of it. Raises RefusedFile."""
    limits = limits or Limits.of_installation()
    if kind_of(file, limits) == "xlsx":
        return _open_xlsx(file, limits)
    return _open_csv(file, limits)


def _open_csv(file: IO[bytes], limits: Limits) -> Table:
    encoding = sniffing.encoding_of(file)
    sample = sniffing.sample_of(file, encoding)
    delimiter = sniffing.delimiter_of(sample)

    def everything() -> Iterator[Row]:
        return _csv_rows(file, encoding, delimiter)

    return _table("csv", {"encoding": encoding, "delimiter": delimiter}, everything, limits)


def _open_xlsx(file: IO[bytes], limits: Limits) -> Table:
    workbook_checks.check(file, limits)
    sheets = _visible_sheets(file)
    for name, sheet in sheets:
        if next(_sheet_rows(sheet), None) is not None:
            return _table("xlsx", {"sheet": name}, partial(_sheet_rows, sheet), limits)
    raise RefusedFile("The workbook is empty.")


def _table(kind: str, dialect: dict[str, str], everything: Callable[[], Iterator[Row]], limits: Limits) -> Table:
    first = next(everything(), None)
    if first is None:
        raise RefusedFile("The file is empty.")
    headers = _headers(first[1])

    def rows() -> Iterator[Row]:
        width = len(headers)
        lines = everything()
        next(lines, None)
        for count, (number, cells) in enumerate(lines, start=1):
            require_few_rows(count, limits)
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            yield number, cells

    return Table(kind, dialect, headers, rows)


def _headers(cells: list[str]) -> list[str]:
    headers = [" ".join(cell.split()) for cell in cells]
    if len(headers) > MAX_COLUMNS:
        raise TooLargeFile(f"The file has {len(headers):,} columns; at most {MAX_COLUMNS} are read.")
    for position, header in enumerate(headers, start=1):
        if not header:
            raise RefusedFile(f"Column {position} has no name in the first row. Give every column one.")
        if len(header) > 200 or _CONTROL.search(header):
            raise RefusedFile("The first row does not look like the names of columns. Is this a table?")
    seen: dict[str, str] = {}
    for header in headers:
        if header.casefold() in seen:
            raise RefusedFile(f"Two columns are called “{header}”. Give each a name of its own.")
        seen[header.casefold()] = header
    return headers


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv_rows(file: IO[bytes], encoding: str, delimiter: str) -> Iterator[Row]:
    lines = _lines(file, encoding)
    reader = csv.reader(lines, delimiter=delimiter)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            row = _trimmed([_cell(plain(cell), number) for cell in cells])
            if row:
                yield number, row
    except csv.Error as error:
        raise TooLargeFile(
            f"A cell after row {number} is longer than {MAX_CELL_LENGTH:,} characters. Is a quotation mark not closed?"
        ) from error
    except UnicodeError as error:
        raise RefusedFile(sniffing.BROKEN) from error


def _lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    """The lines with their ends, without Excel's line `sep=;`."""
    text = sniffing.text_of(file, encoding)
    is_first = True
    while line := text.readline(MAX_LINE_LENGTH):
        if len(line) >= MAX_LINE_LENGTH and line[-1] not in "\r\n":
            raise TooLargeFile(f"A line is longer than {MAX_LINE_LENGTH:,} characters. Is this a table?")
        if "\x00" in line:
            raise RefusedFile("The file holds NUL bytes; it is no text. Save it as CSV (UTF-8).")
        if is_first and sniffing.SEPARATOR_LINE.fullmatch(line):
            is_first = False
            continue
        is_first = False
        yield line


def _trimmed(cells: list[str]) -> list[str]:
    """The cells without empty ones at the end; none for an empty row."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _cell(cell: str, number: int) -> str:
    if len(cell) > MAX_CELL_LENGTH:
        raise TooLargeFile(f"A cell in row {number} is longer than {MAX_CELL_LENGTH:,} characters.")
    return cell


# --- XLSX -------------------------------------------------------------------------------------------------------------


def _visible_sheets(file: IO[bytes]) -> list[tuple[str, python_calamine.CalamineSheet]]:
    def read() -> list[tuple[str, python_calamine.CalamineSheet]]:
        workbook = python_calamine.CalamineWorkbook.from_filelike(file)
        names = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        results = []
        for name in names:
            sheet = workbook.get_sheet_by_name(name)
            results.append((name, sheet))
            if sheet.start is not None:
                break
        return results

    return _guarded(read)


def _guarded(read: Callable[[], Read]) -> Read:
    """Turn everything that the parser raises into RefusedFile, its panics too, which are no Exception."""
    try:
        return read()
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        raise RefusedFile(workbook_checks.BROKEN) from error


def _sheet_rows(sheet: python_calamine.CalamineSheet) -> Iterator[Row]:
    if sheet.start is None:
        return
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        row = _trimmed([_cell(as_text(value), number) for value in cells])
        if row:
            yield number, row


def as_text(value: object) -> str:
    """A spreadsheet's value as text: days in ISO 8601, numbers as people write them."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        has_time = value.time() != time()
        return value.isoformat(sep=" ", timespec="seconds") if has_time else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if math.isfinite(value) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return repr(value)
