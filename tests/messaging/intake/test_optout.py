"""What opts out and in, and what only holds such a word."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.intake.optout import meaning


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


@pytest.mark.parametrize(
    "text",
    ["STOP 🙏", "🛑 STOP 🛑", "Stop!!! 😡😡", "STOP ✋🏽", "stop…", "¡BAJA!", "«Стоп»", "ОТПИСАТЬСЯ", "стоп 🙏",
     "Відписатися.",
     "توقف", "إيقاف", "الغاء الاشتراك", "إِلْغَاء", "توقـــف", "\u200fتوقف\u200e", "הסר", "הַסָּרָה", "لغو",
     "退订", "退訂！", "停止。",
     "【取消订阅】", "TD", "配信停止", "ストップ", "ｽﾄｯﾌﾟ", "수신거부", "बंद करें", "หยุด", "ΔΙΑΚΟΠΉ",
     "İPTAL", "Leiratkozás", "Odjava", "Désinscription",
     "*STOP*", "_stop_", "#stop", "S T O P", "STOP\ufe0f",
     "stop" + "🙏" * 60, "\u2066STOP\u2069", "hủy đăng ký"],
)  # fmt: skip
def test_only_the_letters_count_in_every_script(text: str):
    assert meaning(text) == "STOP"


@pytest.mark.parametrize(
    "text",
    ["stop by tomorrow", "Stop by tomorrow 🙏", "don’t stop", "Bitte nicht stoppen", "до какого числа отмена?",
     "取消明天的预约", "我想停止", "توقف عن الأكل", "end of May?", "Cancel my appointment", "The end 🙂", "🙏", "?!",
     "停车场在哪里", "đúng", "stopp mal kurz", "हाँ बंद करें मत", "stop" * 30],
)  # fmt: skip
def test_more_than_the_word_is_an_ordinary_message(text: str):
    assert meaning(text) == ""


def test_start_is_read_by_its_letters_too():
    assert meaning("START 🙏") == meaning("«start»") == "START"
    assert meaning("start of the week?") == ""


def test_words_can_be_added(settings: Any):
    settings.OPT_OUT_WORDS = ["Zatrzymaj", "không nhận"]
    assert meaning("zatrzymaj!") == meaning("Khong nhan") == "STOP"
    assert meaning("\u200f") == ""


def test_the_providers_word_goes_before_ours():
    assert meaning("hello", provider_word="STOP") == "STOP"
    assert meaning("STOP", provider_word="START") == "START"
    assert meaning("start") == meaning("UNSTOP") == "START"
