"""Detecting a CSV's encoding and delimiter."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from contextlib import suppress
from typing import IO

from customers.data.tables.limits import RefusedFile

BROKEN = (
    "The file’s letters are broken: parts of it are in one encoding and parts in another, or it is no text. "
    "Save it as CSV (UTF-8) and try again."
)
DELIMITERS = ",;\t|"
SEPARATOR_LINE = re.compile(r"sep=.\r?\n?", re.IGNORECASE)
SAMPLE = 65_536
SAMPLE_ROWS = 50
PIECE = 1 << 20

# Longest first: UTF-32's mark begins like UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheet programs wrote before UTF-8, the likeliest first, each with the letters that names there are made of,
# and those that are seldom met: they would be frequent if another encoding were read as this one.
_SINGLE = (
    ("cp1252", "éáíóúàèùòâêîôûäëïöüÿñãõçåæøßœš’", "ìÈÌÒÙžý"),
    ("iso8859_15", "éáíóúàèùòâêîôûäëïöüÿñãõçåæøßœš€", "ìÈÌÒÙžý"),
    ("cp1250", "ąćęłńóśźżčďěňřšťůúýžáéíäöüőßşţș’", "ŕĺűăâîôľŚŹÇç"),
    ("iso8859_2", "ąćęłńóśźżčďěňřšťůúýžáéíäöüőßşţș", "ŕĺűăâîôľŚŹÇç"),
    ("cp1251", "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґё", ""),
    ("cp1253", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ", ""),
    ("cp1254", "çğıöşüİâîû", ""),
    ("cp1257", "āčēģīķļņšūžąęėįųõäöü", ""),
)
_SIGNS = "£€§°©®«»–—“”‘’„…·½²\xa0"
# A reading below it is no reading.
_LEAST_LIKENESS = 0.25
_WORD = re.compile(r"[^\W\d_]+")
_NON_ASCII = re.compile(rb"(?<![^\n\r])[\x00-\x09\x0b\x0c\x0e-\x7f]*+[\x80-\xff][^\n\r]*")


def encoding_of(file: IO[bytes]) -> str:
    """The file's encoding, as Python calls it. Raises RefusedFile for bytes that are no text."""
    file.seek(0)
    head = file.read(SAMPLE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" in head:
        return _wide(head)
    good, bad, high = _measure(file)
    if not bad:
        return "utf-8"
    if good > bad // 10:
        # Texts that are nearly UTF-8 are UTF-8 with something broken in it; reading them otherwise would spoil them.
        raise RefusedFile(BROKEN)
    return _single(high)


def text_of(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The file from its beginning as text, line ends as they are; leaving it does not close the file."""
    file.seek(0)
    return _UnclosedText(file, encoding=encoding, errors="strict", newline="")


def sample_of(file: IO[bytes], encoding: str) -> str:
    """The first characters. Raises RefusedFile."""
    try:
        return text_of(file, encoding).read(SAMPLE)
    except UnicodeError as error:
        raise RefusedFile(BROKEN) from error


def delimiter_of(sample: str) -> str:
    """The delimiter: the character by which most rows have as many cells as the first one."""
    line = SEPARATOR_LINE.match(sample)
    if line and line.group()[4] in DELIMITERS:
        return line.group()[4]
    body = sample[line.end() :] if line else sample
    return max(DELIMITERS, key=lambda sign: _fit(body, sign))


def _fit(body: str, delimiter: str) -> tuple[float, int]:
    rows: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(body, newline=""), delimiter=delimiter):
            if cells:
                rows.append(len(cells))
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0, 0
    # The last one may be cut by the end of the sample.
    rows = rows[:-1] if len(rows) > 2 and len(rows) < SAMPLE_ROWS else rows
    if not rows or rows[0] < 2:
        return 0.0, 0
    return Counter(rows)[rows[0]] / len(rows), rows[0]


def _wide(head: bytes) -> str:
    """UTF-16 without a mark has a NUL in every other place of western text."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and even < odd // 10:
        return "utf-16-le"
    if even > len(head) // 4 and odd < even // 10:
        return "utf-16-be"
    raise RefusedFile("The file holds NUL bytes; it is no text. Save it as CSV (UTF-8).")


def _measure(file: IO[bytes]) -> tuple[int, int, bytes]:
    """Characters beyond ASCII that are good UTF-8, bytes that are not, and a sample of the lines with them."""
    file.seek(0)
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    good = bad = 0
    high = b""
    while True:
        piece = file.read(PIECE)
        if not piece.isascii() or not piece:
            text = decode(piece, not piece)
            broken = len(re.findall("[\udc80-\udcff]", text))
            good += sum(1 for _ in re.finditer("[^\x00-\x7f\udc80-\udcff]", text))
            bad += broken
            if broken and len(high) < SAMPLE:
                high += b"\n".join(_NON_ASCII.findall(piece)[:2000])[:SAMPLE]
        else:
            decode(piece)
        if not piece:
            return good, bad, high


def _single(high: bytes) -> str:
    """The encoding of one byte a letter whose reading looks most like names. Raises RefusedFile."""
    best, best_score = "", 0.0
    for name, usual, seldom in _SINGLE:
        try:
            text = high.decode(name)
        except UnicodeError:
            continue
        score = _likeness(text, usual, seldom)
        if not best or score > best_score:
            best, best_score = name, score
    if not best or best_score < _LEAST_LIKENESS:
        raise RefusedFile(BROKEN)
    return best


def _likeness(text: str, usual: str, seldom: str) -> float:
    """How plausible the text is as a language: a mean over the characters beyond ASCII, at most 1."""
    strange = [char for char in text if char > "\x7f"]
    score = 0.0
    for char in strange:
        if char.casefold() in usual or char in usual:
            score += 0.3 if char in seldom else 1
        elif char.isalpha():
            score += 0.2
        elif char in _SIGNS:
            score += 0.5
        else:
            # Signs such as ³ and ¿ stand in names only when the encoding is wrong, and control characters never.
            score -= 3 if char < "\xa0" else 1.5
    for word in _WORD.findall(text):
        high = [char for char in word if char > "\x7f"]
        if high and word != word.title() and word != word.upper() and word != word.lower():
            score -= 0.5
        if high and len(word) == 1:
            score -= 1.5  # no word, rather a sign such as £
        if any(char > "\u0370" for char in high) and any(char < "\x80" for char in word):
            score -= 2
    return score / max(len(strange), 1)


class _UnclosedText(io.TextIOWrapper):
    """A text wrapper that does not close its file when it is deleted."""

    def __del__(self) -> None:
        with suppress(ValueError):
            self.detach()
