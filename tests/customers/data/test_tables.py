"""Files as people have them, and files made to hurt."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from core.safe_cells import csv_bytes, plain, safe
from customers.data.tables import workbook_checks
from customers.data.tables.limits import Limits, RefusedFile, TooLargeFile
from customers.data.tables.reading import open_table
from customers.data.tables.writing import Sheet

LIMITS = Limits(most_bytes=2_000_000, most_rows=1000)
PEOPLE = [["Name", "City"], ["Zoë Müller", "Köln"], ["Renée", "Besançon"]]


def read(content: bytes, limits: Limits = LIMITS) -> list[list[str]]:
    table = open_table(io.BytesIO(content), limits)
    return [table.headers, *(cells for _, cells in table.rows())]


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(RefusedFile) as refused:
        read(content, limits)
    return str(refused.value)


def is_read_or_refused(content: bytes) -> bool:
    """True, or another exception than ours."""
    try:
        read(content)
    except RefusedFile as refused:
        return str(refused) != ""
    return True


def workbook(rows: list[list[Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "dd/mm/yyyy", **options})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    book.close()
    return out.getvalue()


def with_part(book: bytes, name: str, content: bytes, **fields: Any) -> bytes:
    """The workbook with a part put in the place of another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part.filename, old.read(part))
        new.writestr(name, content)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"


def sheet_xml(cells: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'.encode()


# --- As people have them ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_any_common_csv_is_read(encoding, delimiter):
    text = "".join(delimiter.join(row) + "\r\n" for row in PEOPLE)
    assert read(text.encode(encoding)) == PEOPLE


@pytest.mark.parametrize(
    ("encoding", "rows"),
    [
        ("cp1250", [["Imię", "Miasto"], ["Łukasz Wiśniewski", "Gdańsk"], ["Żaneta Dąbrowska", "Łódź"]]),
        ("iso8859_2", [["Imię", "Miasto"], ["Łukasz Wiśniewski", "Gdańsk"], ["Małgorzata Żak", "Łódź"]]),
        ("cp1250", [["Jméno", "Město"], ["Jiří Dvořák", "Plzeň"], ["Tomáš Novák", "České Budějovice"]]),
        ("cp1251", [["Имя", "Город"], ["Анна Иванова", "Москва"], ["Пётр Смирнов", "Новосибирск"]]),
        ("cp1253", [["Όνομα", "Πόλη"], ["Γιώργος Παπαδόπουλος", "Αθήνα"], ["Ελένη", "Πάτρα"]]),
        ("cp1254", [["İsim", "Şehir"], ["Nurşen Şahin", "Muğla"], ["İpek Yıldız", "Iğdır"]]),
        ("cp1252", [["Nom", "Ville"], ["Hélène Lefèvre", "Orléans"], ["François Noël", "Nîmes"]]),
        ("cp1252", [["Navn", "By"], ["Søren Kjær", "Århus"], ["Åse Bjørk", "Tromsø"]]),
        ("cp1252", [["Nome", "Città"], ["Niccolò Pellè", "Forlì"], ["Andrà", "Cefalù"]]),
        ("cp1252", [["Name", "Fee"], ["Ada", "£120.00"], ["Bob", "£80.00 – later"]]),
        ("cp1252", [["Nombre", "Ciudad"], ["Íñigo Muñoz", "Córdoba"], ["João", "São Paulo"]]),
    ],
)
def test_other_regions_encodings_are_guessed(encoding, rows):
    more = rows + [[f"{a} {n}", b] for n in range(20) for a, b in rows[1:]]
    assert read("".join(f"{a};{b}\n" for a, b in more).encode(encoding)) == more


def test_line_ends_and_quotes_and_breaks_inside_of_cells():
    assert read(b'Name,Notes\rAda,"one\ntwo, ""three"""\r') == [["Name", "Notes"], ["Ada", 'one\ntwo, "three"']]


def test_the_line_that_excel_writes_for_its_separator_is_no_row():
    assert read(b"sep=;\r\nName;Sum\r\nAda;1,5\r\n") == [["Name", "Sum"], ["Ada", "1,5"]]


def test_rows_carry_the_number_that_a_spreadsheet_shows():
    table = open_table(io.BytesIO(b"Name,City\n\nAda,London\n,\nBob,\n"), LIMITS)
    assert list(table.rows()) == [(3, ["Ada", "London"]), (5, ["Bob", ""])]


def test_rows_begin_again_each_time():
    table = open_table(io.BytesIO(b"Name\nAda\nBob\n"), LIMITS)
    assert list(table.rows()) == list(table.rows())


def test_a_workbooks_values_become_texts_as_people_write_them():
    rows: list[list[Any]] = [
        ["Name", "Phone", "Born", "Seen", "Visits", "Share", "Member"],
        ["Ada", 447700900123, date(1990, 3, 1), datetime(2026, 3, 1, 9, 30), 12.0, 0.25, True],
    ]
    book = workbook(rows)
    assert read(book)[1] == ["Ada", "447700900123", "1990-03-01", "2026-03-01 09:30:00", "12", "0.25", "true"]


def test_a_workbooks_empty_rows_count_but_are_left_out():
    table = open_table(io.BytesIO(workbook([["Name"], [""], ["Ada"]])), LIMITS)
    assert list(table.rows()) == [(3, ["Ada"])]
    assert table.dialect == {"sheet": "Sheet1"}


def test_a_sheet_that_is_hidden_is_not_taken():
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    hidden, shown = book.add_worksheet("Lists"), book.add_worksheet("People")
    hidden.write(0, 0, "secret")
    shown.write(0, 0, "Name")
    shown.write(1, 0, "Ada")
    shown.activate()
    shown.set_first_sheet()
    hidden.hide()
    book.close()
    assert read(out.getvalue()) == [["Name"], ["Ada"]]


# --- Round trips ------------------------------------------------------------------------------------------------------

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=30)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(lambda row: row[-1].strip()), max_size=10)


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]))
@settings(max_examples=200, deadline=None)
def test_what_is_written_as_csv_is_read_as_it_was(rows, delimiter):
    header = ["A", "B", "C"]
    content = (
        "\ufeff".encode() + b"sep=" + delimiter.encode() + b"\r\n" + csv_bytes([header, *rows], delimiter=delimiter)
    )
    assert read(content) == [header, *rows]


@given(CELLS)
def test_a_guarded_cell_is_given_back(cell):
    assert plain(safe(cell)) == cell


PRINTABLE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=30)


@given(st.lists(st.lists(PRINTABLE.filter(str.strip), min_size=2, max_size=2), min_size=1, max_size=10))
@settings(max_examples=50, deadline=None)
def test_what_is_written_as_xlsx_is_read_as_it_was(rows):
    out = io.BytesIO()
    with Sheet(out, ["A", "B"]) as sheet:
        for row in rows:
            sheet.append(row)
    assert read(out.getvalue()) == [["A", "B"], *rows]


def test_a_sheet_takes_numbers_days_and_moments():
    out = io.BytesIO()
    with Sheet(out, ["A", "B", "C", "D"]) as sheet:
        sheet.append([1.5, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30, tzinfo=UTC), None])
        sheet.append(["x" * 40_000, True, 7, "=1+1"])
    first, second = read(out.getvalue())[1:]
    assert first == ["1.5", "2026-03-01", "2026-03-01 09:30:00", ""]
    assert second[0] == "x" * 32_766 + "…"
    assert second[1:] == ["true", "7", "=1+1"]


# --- Formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [" =1+1", "\u00a0=1+1", "\ufeff=1+1", "\u200b=1", "\u3000@x", " \t -x", "\u202e=1", "\x00=1", "\xad=1", "' =1",
     "=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋A1", "'=1", "-A1", "+",
     "--1e", "=HYPERLINK(\"http://evil.example\")"],
)  # fmt: skip
def test_what_a_program_would_run_is_guarded(cell):
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["+447700900123", "+44 7700 900123", "-12", "-12.5", "+1 (202) 555-0100", "-1,234.50",
                                  "Ada", "a=b", " a=b", "\u00a0x", " ",
                                  "'tis", "", "'", "Ärzte", "12", "5 - 3"])  # fmt: skip
def test_what_is_harmless_stays_as_it_is(cell):
    assert safe(cell) == cell


# --- Made to hurt -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x1f\x8b\x08....", "compressed"),
        (b"PK\x03\x04" + bytes(100), "broken"),
        (b"PK\x05\x06" + bytes(18), "no Excel workbook"),
        (b"Name,Name\nAda,Bob\n", "Two columns are called"),
        (b"Name,name \nAda,Bob\n", "Two columns are called"),
        (b"Name,,City\nAda,x,Bath\n", "Column 2 has no name"),
        (b"Name,City\nAda\x00,Bath\n", "NUL"),
        (bytes(3000), "NUL"),
        (b"Name\n" + b"x" * 40_000 + b"\n", "longer than 32,767"),
        (b'Name\n"' + b"x\n" * 100_000, "quotation mark"),
        (b"Name\n" + b"x" * 1_100_000, "line is longer"),
        (b",".join(b"c%d" % n for n in range(201)) + b"\n", "201 columns"),
        (b"Name\n" + b"Ada\n" * 1001, "more than 1,000 rows"),
        ("Näme;Cäty\nZoë;Köln\n".encode() * 3 + b"Ad\xe9;London\n", "letters are broken"),
        (b"Name;City\nAd\x81\x8d\x8f\x90;x\n", "letters are broken"),
        ("Näme;City".encode("utf-16")[:-1], "broken"),
        (b"\x01\x02Name,City\nx,y\n", "names of columns"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_csv_is_refused_with_a_sentence(content, words):
    said = refusal(content)
    assert words in said
    assert said.endswith((".", "?"))


def test_too_many_bytes_are_refused_before_anything_is_read():
    assert "at most" in refusal(b"x" * 2_000_001)


def zip_bomb() -> bytes:
    return with_part(workbook([["Name"], ["Ada"]]), SHEET, sheet_xml("<row/>" + " " * 50_000_000))


def lying_bomb() -> bytes:
    """The directory says that the sheet is short."""
    honest = zip_bomb()
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        size = archive.getinfo(SHEET).file_size
    return honest.replace(struct.pack("<L", size), struct.pack("<L", 5000))


def far_cell() -> bytes:
    return with_part(workbook([["Name"]]), SHEET, sheet_xml('<row r="1"><c r="XFD1"><v>1</v></c></row>'))


def low_cell() -> bytes:
    return with_part(workbook([["Name"]]), SHEET, sheet_xml('<row r="1048576"><c r="A1048576"><v>1</v></c></row>'))


def same_text_a_million_times() -> bytes:
    long_text = "<sst><si><t>" + "x" * 32_000 + "</t></si></sst>"
    cells = '<row r="1">' + '<c t="s"><v>0</v></c>' * 100_000 + "</row>"
    return with_part(with_part(workbook([["Name"]]), SHARED, long_text.encode()), SHEET, sheet_xml(cells))


def entities() -> bytes:
    trick = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet_xml("<row/>")
    return with_part(workbook([["Name"]]), SHEET, trick)


def with_password() -> bytes:
    book = bytearray(workbook([["Name"]]))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        names = len(archive.infolist())
    at = -1
    for _ in range(names):
        at = book.index(b"PK\x01\x02", at + 1)
        book[at + 8] |= 1
    return bytes(book)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (zip_bomb, "unpacks to far more"),
        (lying_bomb, "unpacks to far more"),
        (far_cell, "beyond column 200"),
        (low_cell, "beyond row"),
        (same_text_a_million_times, "unpacks to far more"),
        (entities, "document type"),
        (with_password, "password"),
        (lambda: with_part(workbook([["Name"]]), SHEET, b"<worksheet><sheetData><row r="), "broken"),
        (lambda: workbook([["Name"]])[:-40], "broken"),
        (lambda: workbook([]), "empty"),
        (lambda: workbook([["Name", "", "City"]]), "Column 2 has no name"),
    ],
)
def test_a_hostile_or_broken_workbook_is_refused_with_a_sentence(make, words):
    assert words in refusal(make())


def test_a_workbook_within_the_limits_passes_them():
    rows = [["Name", "Notes"], *[["Ada", "a long note " * 100]] * 900]
    assert len(read(workbook(rows))) == 901


def test_what_the_checks_count_is_what_the_reader_would_hold():
    book = workbook([["Name", "City"], ["Ada", "Bath"]])
    workbook_checks.check(io.BytesIO(book), Limits(10**6, 1000))
    with pytest.raises(TooLargeFile):
        workbook_checks.check(io.BytesIO(workbook([["x"]] * 200)), Limits(10**6, 50))


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", b"sep=;\n", b'"']))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read_or_refused(content, beginning):
    assert is_read_or_refused(beginning + content)


@given(st.integers(0, 4000), st.binary(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_workbook_with_any_damage_is_read_or_refused(at, damage):
    book = bytearray(workbook([["Name", "Born"], ["Ada", date(1990, 1, 1)]]))
    at %= len(book)
    book[at : at + len(damage)] = damage
    assert is_read_or_refused(bytes(book))


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_a_sheet_of_any_markup_is_read_or_refused(markup):
    content = sheet_xml(f'<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c></row>{markup}')[
        : 400 + len(markup)
    ]
    assert is_read_or_refused(with_part(workbook([["Name"]]), SHEET, content))
