"""A file's columns are guessed, its problems shown, and what can't be read is refused, before anything is written."""

from __future__ import annotations

import pytest

from customers.data.imports import services as imports
from customers.data.imports.mapping import InvalidMapping
from customers.data.imports.services import RefusedFile
from customers.models import CustomerImport
from customers.people.custom_fields import services as custom_fields
from tests.customers.data.imports.conftest import HEADERS, ROW

# --- Taking in --------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_in_with_its_columns_guessed(take):
    upload = take(
        "Nom complet;Courriel;Portable;Société;Code postal;Étiquettes;Bemerkungen;Xyz\n" + "a;b;c;d;e;f;g;h\n"
    )
    assert upload.row_count == 1
    assert upload.dialect == {"encoding": "utf-8", "delimiter": ";"}
    assert upload.mapping == {
        "Nom complet": "name", "Courriel": "email", "Portable": "phone", "Société": "company",
        "Code postal": "postal_code", "Étiquettes": "tags", "Bemerkungen": "notes",
    }  # fmt: skip


def test_headers_that_say_nothing_are_guessed_by_what_stands_below(take):
    upload = take("A,B,C\nAda,ada@example.com,+44 7700 900123\nBob,bob@example.com,+44 7700 900124\n")
    found = {guess.column: (guess.field, guess.words) for guess in imports.guesses(upload)}
    assert found == {"A": ("", "Not recognised"), "B": ("email", "A guess"), "C": ("phone", "A guess")}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("E-Mail-Adresse", "email"), ("e_mail", "email"), ("Telefonnummer", "phone"), ("Móvil", "phone"),
        ("Vorname", "first_name"), ("Apellidos", "last_name"), ("Straße", "street"), ("PLZ", "postal_code"),
        ("Primary email", "email"), ("Compnay", "company"), ("next_follow_up_at", "next_follow_up_at"),
        ("Imię i nazwisko", "name"), ("Lead source", "source"), ("Account owner", "assigned_to"), ("Qwertz", ""),
    ],
)  # fmt: skip
def test_headers_of_many_languages_and_spellings_are_known(take, header, field):
    guesses = imports.guesses(take(f"{header}\nsomething\n"))
    assert guesses[0].field == field


def test_a_custom_field_is_guessed_by_key_or_label(take, inside, alice):
    custom_fields.create(organization=inside, actor=alice.actor, key="treatment", label="Wanted treatment", type="text")
    assert take("Name,Wanted Treatment\na,b\n").mapping["Wanted Treatment"] == "custom.treatment"
    assert take("Name,treatment\na,b\n").mapping["treatment"] == "custom.treatment"


@pytest.mark.parametrize("text", ["", "Name,Email\n", "Name,Name\na,b\n", "Name\n" + "x" * 40_000])
def test_a_file_that_is_refused_leaves_nothing_behind(take, text):
    with pytest.raises(RefusedFile):
        take(text)
    assert not CustomerImport.objects.exists()


def test_a_refusal_at_the_last_row_leaves_no_file(take, settings, tmp_path):
    settings.MEDIA_ROOT, settings.IMPORT_MAX_ROWS = tmp_path, 3
    with pytest.raises(RefusedFile, match="more than 3 rows"):
        take("Name\na\nb\nc\nd\n")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("mapping", "column"),
    [
        ({"Nmae": "name"}, "Nmae"), ({"Name": "nmae"}, "Name"), ({"Name": "custom.none"}, "Name"),
        ({"Name": "name", "Company": "name"}, "Company"), ({"Name": 5}, "Name"), ({"Tags": "tags"}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_a_mapping_that_is_wrong_names_the_column(take, alice, mapping, column):
    with pytest.raises(InvalidMapping) as wrong:
        imports.start(upload=take(HEADERS + ROW), member=alice.member, actor=alice.actor, mapping=mapping)
    assert wrong.value.column == column


def test_the_preview_marks_each_problem_where_it_stands(take):
    upload = take(HEADERS + ROW + ",not-an-address,123,,\n")
    shown = imports.preview(upload=upload, mapping=upload.mapping)
    assert shown.problems == 1
    assert [row.number for row in shown.rows] == [2, 3]
    assert [(p.position, p.column) for p in shown.rows[1].problems] == [(1, "Email"), (2, "Phone")]
