"""Limits of uploaded tables: a file beyond them is refused before it is parsed, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from django.conf import settings

from core.refused import Refused

MAX_COLUMNS = 200
# Excel's own limit.
MAX_CELL_LENGTH = 32_767
MAX_LINE_LENGTH = 1_000_000
# Rows times columns of a sheet: what the reader of XLSX holds in memory at once.
MAX_CELLS = 10_000_000

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# What people take for a table by mistake, by how it begins.
OTHERS = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "compressed (gzip)",
    b"Rar!": "an archive (RAR)",
    b"7z\xbc\xaf": "an archive (7z)",
    b"{\\rtf": "a text document (RTF)",
}


class RefusedFile(Refused):
    """A file that is not read; the text says why and what to do, in plain words."""

    field = "file"


class TooLargeFile(RefusedFile):
    """More than is read at once: bytes, rows, columns or cells."""

    status = 413


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read."""

    most_bytes: int
    most_rows: int

    @classmethod
    def of_installation(cls) -> Limits:
        return cls(settings.IMPORT_MAX_BYTES, settings.IMPORT_MAX_ROWS)


def kind_of(file: IO[bytes], limits: Limits) -> str:
    """`csv` or `xlsx`, by size and first bytes; the file stands at its beginning afterwards. Raises RefusedFile."""
    size = file.seek(0, 2)
    file.seek(0)
    if size == 0:
        raise RefusedFile("The file is empty.")
    if size > limits.most_bytes:
        raise TooLargeFile(
            f"The file has {in_megabytes(size)}; at most {in_megabytes(limits.most_bytes)} are read. Split it."
        )
    head = file.read(8)
    file.seek(0)
    if head.startswith(OLE):
        raise RefusedFile(
            "This is an old Excel file (.xls) or one with a password. Save it as .xlsx without a password, or as CSV."
        )
    for beginning, what in OTHERS.items():
        if head.startswith(beginning):
            raise RefusedFile(f"This is {what}, not a table. CSV and XLSX are read.")
    return "xlsx" if head.startswith(ZIP) else "csv"


def in_megabytes(size: int) -> str:
    """The size as people say it."""
    return f"{size / 1_000_000:.1f} MB" if size < 10_000_000 else f"{size / 1_000_000:.0f} MB"


def require_few_rows(count: int, limits: Limits) -> None:
    """Raises TooLargeFile; `count` is without the header."""
    if count > limits.most_rows:
        raise TooLargeFile(f"The file has more than {limits.most_rows:,} rows. Split it.")
