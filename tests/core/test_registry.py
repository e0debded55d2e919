"""Registries: a name is taken once, the order is defined, and the command prints every one that the project has."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from core import registry
from core.registry import RegisteredTwice, Registry


@pytest.fixture
def words():
    return Registry[str]("Words of a test", name=str.casefold)


def test_a_second_registration_of_a_name_raises_and_the_first_stays(words):
    words.register("One")
    with pytest.raises(RegisteredTwice, match="Words of a test: one"):
        words.register("ONE")
    assert list(words) == ["One"]


def test_entries_come_in_the_order_of_registration(words):
    for one in ("b", "a", "c"):
        words.register(one)
    assert (list(words), words.names()) == (["b", "a", "c"], ["b", "a", "c"])


def test_with_an_order_they_come_in_that_and_equal_ones_as_they_were_registered():
    words = Registry[str]("Ordered words of a test", name=str, order=len)
    for one in ("ccc", "b", "aa", "a"):
        words.register(one)
    assert list(words) == ["b", "a", "aa", "ccc"]


def test_an_entry_is_found_by_its_name(words):
    assert words.register("One") == "One"
    assert words["one"] == "One"
    assert words.get("two") is None
    assert "one" in words
    assert "two" not in words
    assert len(words) == 1
    with pytest.raises(KeyError):
        words["two"]


def test_what_is_changed_in_a_copy_stays_there(words):
    words.register("One")
    copy = words.copy()
    copy.unregister("one")
    copy.register("Two")
    assert (list(words), list(copy)) == (["One"], ["Two"])
    assert copy not in registry.every()


def test_entries_may_be_added_while_they_are_iterated(words):
    words.register("One")
    for _ in words:
        words.register("Two")
    assert list(words) == ["One", "Two"]


def test_the_command_prints_every_registry_with_its_entries():
    out = StringIO()
    call_command("show_registrations", stdout=out)
    lines = out.getvalue().splitlines()
    every = registry.every()
    assert len(every) >= 20
    for one in every:
        assert f"{one.title} ({len(one)})" in lines
        for entry in one:
            assert any(line.startswith(f"  {one.name(entry)}") for line in lines), one.name(entry)


def test_every_registry_of_the_project_has_entries_and_a_title_of_its_own():
    every = registry.every()
    assert len({one.title for one in every}) == len(every)
    assert [one.title for one in every if not len(one)] == []
