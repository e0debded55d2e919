"""What opts out and in, and what only holds such a word."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.services.optout import meaning


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop! ", "“stop”", "Opt out", "OPT-OUT", "Stop All", "STOP\u200f", "\u202bstop\u202c",
     "ＳＴＯＰ", "Désabonner", "ARRÊT", "unsubscribe.", "REVOKE", "cancel", "quit", "end"],
)  # fmt: skip
def test_a_word_alone_opts_out(text: str):
    assert meaning(text) == "STOP"


@pytest.mark.parametrize(
    "text", ["", "Please stop by at nine", "I can't stop smiling", "stop " * 20, "stopwatch", "🛑", "basta", "\u200f"]
)
def test_a_sentence_with_it_does_not(text: str):
    assert meaning(text) == ""


def test_words_can_be_added(settings: Any):
    settings.OPT_OUT_WORDS = ["Zatrzymaj", "không nhận"]
    assert meaning("zatrzymaj!") == meaning("Khong nhan") == "STOP"
    assert meaning("\u200f") == ""


def test_the_providers_word_goes_before_ours():
    assert meaning("hello", provider_says="STOP") == "STOP"
    assert meaning("STOP", provider_says="START") == "START"
    assert meaning("start") == meaning("UNSTOP") == "START"
