"""Placeholders: named, checked, filled in, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.texts import placeholders
from messaging.texts.placeholders import InvalidPlaceholder, MissingValue, check, render

VALUES = {"customer.name": "Ann Lee", "company": "", "custom.treatment": "Braces"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ customer.name }}!", "Hello Ann Lee!"),
        ("{{customer.name}}{{ customer.name }}", "Ann LeeAnn Lee"),
        ("At {{ company|your company }}", "At your company"),
        ("{{ customer.name|friend }}", "Ann Lee"),
        ("{{ custom.treatment }} for you", "Braces for you"),
        ("No {placeholder} % $ here", "No {placeholder} % $ here"),
        ("", ""),
    ],
)
def test_each_name_stands_for_its_value(text, expected):
    assert render(text, VALUES) == expected


def test_what_is_empty_and_has_no_default_is_refused_with_its_names():
    with pytest.raises(MissingValue, match="company") as refused:
        render("{{ company }} and {{ custom.colour }} and {{ customer.name }}", VALUES)
    assert refused.value.names == ["company", "custom.colour"]


def test_a_value_is_never_read_as_a_template():
    assert render("{{ customer.name }}", {"customer.name": "{{ company }} {% now %}"}) == "{{ company }} {% now %}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ customer.password }}", "{{ customer.name.__class__ }}", "{{ settings.SECRET_KEY }}", "{{ custom.unknown }}",
        "{{ }}", "{{ customer.name", "customer.name }}", "{{ company| }}", "{{ 7*7 }}", "{{ Customer.Name }}",
    ],
)  # fmt: skip
def test_what_can_not_be_filled_in_is_refused_when_it_is_saved(text):
    with pytest.raises(InvalidPlaceholder):
        check(text, fields=["treatment"])


def test_what_can_be_filled_in_is_taken():
    names = " ".join(f"{{{{ {name} }}}}" for name in placeholders.NAMES)
    check(f"{names} {{{{ custom.treatment|it }}}}", fields=["treatment"])


@given(st.text())
def test_any_text_is_rendered_or_refused(text):
    with suppress(InvalidPlaceholder, MissingValue):
        check(text, fields=[])
        assert "{{" not in render(text, dict.fromkeys(placeholders.NAMES, "x"))
