"""Checks of an XLSX file before it is parsed.

The reader holds a sheet in memory as wide and as long as its furthest cell says, and each shared text as often as it is
pointed at. So a few kilobytes can ask for terabytes: each part is unpacked here once, piece by piece, and measured.
What the archive's directory says of sizes is not believed, only held against what comes out.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from typing import IO

from customers.data.tables.limits import MAX_CELL_LENGTH, MAX_CELLS, MAX_COLUMNS, Limits, RefusedFile, TooLargeFile

MAX_PARTS = 2_000
MAX_UNPACKED = 400_000_000
# Sheets shrink to a tenth or a fiftieth; deflate can't do more than 1,032.
MAX_RATIO = 250
RATIO_MATTERS_FROM = 5_000_000
PIECE = 1 << 20
# A reference that lies across two pieces is seen again with so much of the first one.
OVERLAP = 256
# Letters, markup and escapes of one shared text.
MAX_SHARED_LENGTH = 12 * MAX_CELL_LENGTH
MAX_SHARED_BYTES = 600_000_000

BROKEN = "The workbook is broken: it can’t be unpacked. Open it in Excel and save it anew, or save it as CSV."
BOMB = "The workbook unpacks to far more than it should; it is not read. Save the sheet as CSV and try that."
ENTITIES = "The workbook holds a document type or entities, which no spreadsheet program writes; it is not read."
TOO_WIDE = f"The sheet reaches beyond column {MAX_COLUMNS}. Leave only the table in it, or save it as CSV."

_CELL = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,8})(\d{1,12})[\"']")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^<>]*?\br\s*=\s*[\"'](\d{1,12})[\"']")
_MARKUP = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_POINTER = re.compile(rb"\bt\s*=\s*[\"']s[\"']")
_POINTED_AT = re.compile(rb"\bt\s*=\s*[\"']s[\"'][^<>]*>\s*<(?:\w+:)?v[^<>]*>\s*(\d{1,9})\s*<")
SHARED = "xl/sharedstrings.xml"


def check(file: IO[bytes], limits: Limits) -> None:
    """Raise RefusedFile for a file that is no workbook or expands too far. Its position is the beginning afterwards."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _check_directory(parts)
            shared = _look_through_shared(file, parts)
            for part in parts:
                if part.filename.lower() != SHARED:
                    _look_through(file, part, shared, limits)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        raise RefusedFile(BROKEN) from error
    except (OSError, ValueError, OverflowError) as error:
        raise RefusedFile(BROKEN) from error
    finally:
        file.seek(0)


def _check_directory(parts: list[zipfile.ZipInfo]) -> None:
    names = [part.filename.lower() for part in parts]
    if any(part.flag_bits & 1 for part in parts):
        raise RefusedFile("The file has a password. Save it without one.")
    if "xl/workbook.xml" not in names or "[content_types].xml" not in names:
        raise RefusedFile("This is a ZIP archive, but no Excel workbook (.xlsx). CSV and XLSX are read.")
    if len(parts) > MAX_PARTS or len(set(names)) < len(names):
        raise RefusedFile(BROKEN)
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise RefusedFile(BROKEN)
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise TooLargeFile(BOMB)
    for part in parts:
        if part.file_size > RATIO_MATTERS_FROM and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise TooLargeFile(BOMB)


def _unpacked(file: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part in pieces. Raises TooLargeFile as soon as it is longer than the directory says."""
    file.seek(part.header_offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile
    name, extra = struct.unpack("<HH", header[26:30])
    file.seek(part.header_offset + 30 + name + extra)
    left, size = part.compress_size, 0
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    packed = b""
    while left or packed:
        if not packed:
            packed = file.read(min(left, PIECE))
            left -= len(packed)
            if not packed:
                raise EOFError
        piece = inflate.decompress(packed, PIECE) if inflate else packed
        packed = inflate.unconsumed_tail if inflate else b""
        size += len(piece)
        if size > part.file_size:
            raise TooLargeFile(BOMB)
        yield piece
        if inflate and inflate.eof:
            return


def _overlapping(file: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    tail = b""
    for piece in _unpacked(file, part):
        whole = tail + piece
        yield whole
        tail = whole[-OVERLAP:]


def _look_through(file: IO[bytes], part: zipfile.ZipInfo, shared: array[int], limits: Limits) -> None:
    name = part.filename.lower()
    is_text = name.endswith((".xml", ".rels"))
    rows, columns, pointers, pointed_at, copied = 0, 0, 0, 0, 0
    longest = max(shared, default=0)
    for piece in _overlapping(file, part):
        if is_text:
            _refuse_tricks(piece)
        matches = _CELL.findall(piece)
        if matches:
            columns = max(columns, *map(_column, {letters for letters, _ in matches}))
            rows = max(rows, *(int(digits) for _, digits in matches))
        rows = max(rows, *map(int, _ROW.findall(piece)), 0)
        _refuse_large(rows, columns, limits)
        pointers += len(_POINTER.findall(piece))
        if pointers * longest > MAX_SHARED_BYTES:
            # Only then it is worth to look at each.
            targets = _POINTED_AT.findall(piece)
            pointed_at += len(targets)
            copied += sum(shared[int(target)] for target in targets if int(target) < len(shared))
            if copied > MAX_SHARED_BYTES or len(_POINTER.findall(piece)) > len(targets) + 2:
                raise TooLargeFile(BOMB)


def _look_through_shared(file: IO[bytes], parts: list[zipfile.ZipInfo]) -> array[int]:
    """The length of each shared text, markup included."""
    lengths = array("L")
    for part in parts:
        if part.filename.lower() != SHARED:
            continue
        rest = b""
        for piece in _unpacked(file, part):
            _refuse_tricks(rest[-OVERLAP:] + piece)
            *whole, rest = (rest + piece).split(b"</si>")
            lengths.extend(map(len, whole))
            if len(rest) > MAX_SHARED_LENGTH or max(lengths, default=0) > MAX_SHARED_LENGTH:
                raise TooLargeFile(f"A cell is longer than {MAX_CELL_LENGTH:,} characters.")
    return lengths


def _refuse_tricks(piece: bytes) -> None:
    if b"\x00" in piece:
        raise RefusedFile(BROKEN)
    if _MARKUP.search(piece):
        raise RefusedFile(ENTITIES)


def _refuse_large(rows: int, columns: int, limits: Limits) -> None:
    if columns > MAX_COLUMNS:
        raise TooLargeFile(TOO_WIDE)
    # The header, and a few blank lines above it.
    if rows > limits.most_rows + 100:
        raise TooLargeFile(f"The sheet reaches beyond row {limits.most_rows:,}. Split it, or save it as CSV.")
    if rows * columns > MAX_CELLS:
        raise TooLargeFile(f"The sheet has more than {MAX_CELLS:,} cells. Split it, or save it as CSV.")


def _column(letters: bytes) -> int:
    """A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
