from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.text import clean, has_control


def test_control_characters_go_and_lines_stay():
    assert clean("a\x00b\x1b[31mc\x7fd\x85e\tf\r\ng\rh\n") == "ab[31mcde\tf\ng\nh\n"


def test_lone_surrogates_become_replacement_characters():
    assert clean("a\ud83db") == "a\N{REPLACEMENT CHARACTER}b"


def test_letters_and_joined_emoji_stay_as_they_are():
    text = "Żółć 日本 🇧🇷 👩‍👩‍👧 \u200fשלום"
    assert clean(text) == text


@given(st.text(st.characters(codec=None)))
def test_whatever_came_can_be_stored_and_is_clean_for_good(text):
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned


def test_controls_are_found():
    assert has_control("a\nb")
    assert has_control("a\x00b")
    assert not has_control("a b ü")
