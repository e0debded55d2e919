"""The files of an import: its rows as they were read, what each step leaves behind, and the rejected rows at the end.

The uploaded file is read once, when it arrives, and kept as one JSON array a line: a step begins at a byte. What steps
leave behind goes into parts, one a step, so that a step that is done again writes the same part again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from core.safe_cells import csv_bytes
from customers.data.tables.reading import Table
from customers.data.tables.writing import BOM
from customers.models import CustomerImport

ROW, REASON = "Row", "Reason"
SPOOL_BYTES = 5_000_000
BLOCK = 1 << 16


def store_rows(upload: CustomerImport, table: Table) -> int:
    """Store the table's rows; returns how many. Raises RefusedFile, possibly at the last row."""
    count = 0
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as rows:
        for number, cells in table.rows():
            rows.write(json.dumps([number, *cells], ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
        rows.seek(0)
        upload.source_file.save("rows", File(rows), save=False)
    return count


class Rows:
    """The stored rows from a byte on; `offset` is where the next one begins."""

    def __init__(self, upload: CustomerImport, offset: int = 0) -> None:
        self._file: IO[bytes] = default_storage.open(str(upload.source_file.name), "rb")
        self._file.seek(offset)
        self.offset = offset

    def take(self, most: int) -> list[tuple[int, list[str]]]:
        """The next rows; fewer than asked for only at the end."""
        rows: list[tuple[int, list[str]]] = []
        while len(rows) < most and (line := self._file.readline()):
            self.offset += len(line)
            number, *cells = json.loads(line)
            rows.append((number, cells))
        return rows

    def close(self) -> None:
        self._file.close()


def first_rows(upload: CustomerImport, count: int) -> list[tuple[int, list[str]]]:
    with closing(Rows(upload)) as rows:
        return rows.take(count)


class Parts:
    """What the steps of one job leave behind, in their order."""

    def __init__(self, upload: CustomerImport, job_id: object) -> None:
        self._folder = f"imports/{upload.organization_id}/{upload.pk}/{job_id}"

    def write(self, number: int, content: object) -> None:
        """Store a part, in the place of what an interrupted step left there."""
        name = self._name(number)
        default_storage.delete(name)
        default_storage.save(name, ContentFile(json.dumps(content, ensure_ascii=False).encode()))

    def read(self, count: int) -> Iterator[Any]:
        for number in range(count):
            with default_storage.open(self._name(number), "rb") as part:
                yield json.loads(part.read())

    def delete(self, count: int) -> None:
        for number in range(count):
            default_storage.delete(self._name(number))

    def _name(self, number: int) -> str:
        return f"{self._folder}/{number}"


def parts_of(upload: CustomerImport) -> list[str]:
    """The paths of the parts that failed or cancelled jobs left behind: they hold people's data."""
    folder = f"imports/{upload.organization_id}/{upload.pk}"
    try:
        jobs = default_storage.listdir(folder)[0]
    except FileNotFoundError:
        return []
    return [f"{folder}/{job}/{name}" for job in jobs for name in default_storage.listdir(f"{folder}/{job}")[1]]


def delete_parts(upload: CustomerImport) -> None:
    """Delete them."""
    for name in parts_of(upload):
        default_storage.delete(name)


def write_rejected(upload: CustomerImport, rejected: Iterator[tuple[int, str, list[str]]]) -> str:
    """A CSV of the file's own columns with each row's number and reasons; where it is stored."""
    name = f"imports/{upload.organization_id}/{upload.pk}/rejected-{upload.job_id}"
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as out:
        out.write(BOM)
        width = len(upload.headers)
        out.write(csv_bytes([[*upload.headers, ROW, REASON]]))
        for number, reasons, cells in rejected:
            padded = (cells + [""] * width)[:width]
            # Cells that no column is for stand behind.
            out.write(csv_bytes([[*padded, str(number), reasons, *cells[width:]]]))
        out.seek(0)
        default_storage.delete(name)
        return default_storage.save(name, File(out))


def rejected_name(upload: CustomerImport) -> str:
    """What the file of the rejected rows is called where it is saved."""
    return f"{upload.name.rsplit('.', 1)[0]} rejected rows.csv"


def rejected_pieces(upload: CustomerImport) -> Generator[bytes]:
    """The file of the rejected rows."""
    with default_storage.open(str(upload.rejected_file.name), "rb") as file:
        while block := file.read(BLOCK):
            yield block
