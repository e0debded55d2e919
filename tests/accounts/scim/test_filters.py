"""Filters and paths: what is read, what is refused, and that no text takes long or breaks it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.scim.errors import InvalidFilter, InvalidPath, ScimError, TooMany
from accounts.scim.filters import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    MAX_LENGTH,
    Both,
    Comparison,
    Either,
    Inside,
    Not,
    Path,
    equalities,
    matches,
    parse,
    parse_path,
)

WORK = {"value": "a@b.example", "type": "work", "primary": True}


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ('userName eq "bjensen"', Comparison("username", "eq", "bjensen")),
        ('USERNAME EQ "Bjensen"', Comparison("username", "eq", "Bjensen")),
        ("title pr", Comparison("title", "pr")),
        ("active eq true", Comparison("active", "eq", True)),
        ("active eq False", Comparison("active", "eq", False)),
        ("x eq null", Comparison("x", "eq", None)),
        ("x gt -1.5e3", Comparison("x", "gt", -1500.0)),
        (r'name.familyName co "O\"Ma\u00e9l"', Comparison("name.familyname", "co", 'O"Maél')),
        (
            'urn:ietf:params:scim:schemas:core:2.0:User:name.givenName sw "J"',
            Comparison("name.givenname", "sw", "J"),
        ),
        ("a pr or b pr and c pr", Either(Comparison("a", "pr"), Both(Comparison("b", "pr"), Comparison("c", "pr")))),
        ("(a pr or b pr) and c pr", Both(Either(Comparison("a", "pr"), Comparison("b", "pr")), Comparison("c", "pr"))),
        ("not (a pr)", Not(Comparison("a", "pr"))),
        ('emails[type eq "work"]', Inside("emails", Comparison("type", "eq", "work"))),
        (
            'emails[type eq "work"].value eq "x"',
            Inside("emails", Both(Comparison("type", "eq", "work"), Comparison("value", "eq", "x"))),
        ),
        ('  a   eq"b"  ', Comparison("a", "eq", "b")),
    ],
)
def test_a_filter_is_read(text, node):
    assert parse(text) == node


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a", "a eq", 'eq "x"', 'a is "x"', "a eq x", "a eq 'x'", 'a eq "x', 'a eq "x" b', "(a pr", "a pr)",
        "not a pr", 'a[b pr', "a pr and", "or a pr", 'a eq "\\x"', "a eq 1.", "é pr", "a eq ()", "[", "a..b pr pr",
        'emails[type eq "work"].value',
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(InvalidFilter):
        parse(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("members", Path("members")),
        ("name.givenName", Path("name", "givenname")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:Active",
         Path("active", schema="urn:ietf:params:scim:schemas:core:2.0:user")),
        ('members[value eq "1"]', Path("members", "", Comparison("value", "eq", "1"))),
        ('emails[type eq "work"].value', Path("emails", "value", Comparison("type", "eq", "work"))),
    ],
)  # fmt: skip
def test_a_path_is_read(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", "a.b.c", "a[b pr", "a[b pr].", "a b", '"a"', "a[b pr].c.d", "a]", ".a", "[a pr]"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises((InvalidPath, InvalidFilter)):
        parse_path(text)


def test_size_depth_and_number_are_limited():
    with pytest.raises(TooMany):
        parse(f'a eq "{"x" * MAX_LENGTH}"')
    with pytest.raises(TooMany):
        parse("(" * (MAX_DEPTH + 1) + "a pr" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(TooMany):
        parse("not (" * (MAX_DEPTH + 1) + "a pr" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(TooMany):
        parse(" or ".join(["a pr"] * (MAX_COMPARISONS + 1)))
    assert parse(" or ".join(["a pr"] * MAX_COMPARISONS))


@pytest.mark.parametrize("part", ["(", "[", '"', "\\", '"\\', "a[", "not (", "a.", "1", "-", "a pr and ", "  "])
def test_no_text_takes_long(part):
    began = time.perf_counter()
    for read in (parse, parse_path):
        with pytest.raises(ScimError):
            read((part * MAX_LENGTH)[:MAX_LENGTH])
    # A bound that a machine under load keeps, and what is not linear does not.
    assert time.perf_counter() - began < 2


PARTS = st.sampled_from(
    ["userName", "emails", "members", "value", " ", " eq ", " pr ", " and ", " or ", "not ", "(", ")", "[", "]", ".",
     '"x"', '"', "\\", "true", "null", "1", "-1", "urn:a:", ":", "é", "\x00", "co", "active"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(PARTS, max_size=20).map("".join)))
def test_any_text_is_read_or_refused(text):
    for read in (parse, parse_path):
        try:
            read(text)
        except ScimError:
            continue


@pytest.mark.parametrize(
    ("filter_", "is_so"),
    [
        ('type eq "WORK"', True), ('type ne "work"', False), ('type eq "home"', False), ("primary eq true", True),
        ('primary eq "True"', True), ("primary eq false", False), ('value co "B.EX"', True), ('value sw "a@"', True),
        ('value ew "example"', True), ('value gt "a"', True), ('value lt "a"', False), ("display pr", False),
        ("value pr", True), ('not (type eq "home")', True), ('type eq "home" or primary eq true', True),
        ('type eq "home" and primary eq true', False), ('display ne "x"', True),
    ],
)  # fmt: skip
def test_an_element_is_as_a_filter_asks(filter_, is_so):
    assert matches(parse(filter_), WORK) is is_so


@pytest.mark.parametrize("filter_", ['primary gt "a"', 'display co "x"', "value gt true", 'a[b eq "c"]'])
def test_what_can_not_be_asked_of_an_element_is_refused(filter_):
    with pytest.raises(InvalidFilter):
        matches(parse(filter_), WORK)


def test_what_a_filter_says_of_a_new_element():
    assert equalities(parse('type eq "work" and primary eq true')) == {"type": "work", "primary": True}
    assert equalities(parse('type eq "work" or primary eq true')) is None
    assert equalities(parse('type ne "work"')) is None
