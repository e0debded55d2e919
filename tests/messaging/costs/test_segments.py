"""How many segments an SMS is, against the limits of 3GPP TS 23.038."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.costs import segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        # Characters of the extension take the room of two.
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 153 units hold 76 of them: the pair is never split.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("é" * 160, 1),
        # One character outside of the alphabet, and all of it is UCS-2.
        ("ș" * 70, 1),
        ("ș" * 71, 2),
        ("a" * 69 + "—", 1),
        ("a" * 70 + "—", 2),
        ("ș" * 134, 2),
        ("ș" * 135, 3),
        # An emoji is a surrogate pair.
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
        ("line\nbreak" * 16, 1),
    ],
)
def test_counted_as_networks_do(text: str, count: int):
    assert segments.count(text) == count


@given(st.text(max_size=2000), st.text(max_size=50))
def test_a_longer_text_is_never_fewer(text: str, more: str):
    assert segments.count(text) <= segments.count(text + more)
    assert segments.count(text) >= 1
