"""Addresses that come from a link."""

from __future__ import annotations

import pytest

from core.http import local_path


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/o/one/tasks/?view=done", "/o/one/tasks/?view=done"),
        ("/o/two/tasks/", ""),
        ("//evil.example/o/one/", ""),
        ("https://evil.example/o/one/", ""),
        ("/o/one/\n", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_an_address_to_go_back_to_is_below_the_one_that_is_given(target, expected):
    assert local_path(target, below="/o/one/") == expected
