"""STOP and START: what a whole message has to be to mean one of them."""

from __future__ import annotations

import unicodedata
from typing import Final

from django.conf import settings

# One line a language. Only words that mean nothing else when they are all that somebody writes.
_STOP_WORDS: Final = """
    stop, unsubscribe, end, quit, stop all, revoke, opt out, cancel
    stopp, abmelden, abbestellen, austragen
    arret, arreter, arretez, annuler, desabonner, me desabonner, desabonnement, desinscription, desinscrire
    baja, darse de baja, dar de baja, parar, cancelar, detener, cancelar suscripcion
    sair, descadastrar, cancelar inscricao, baixa, atura
    annulla, disiscrivimi, disiscrizione, cancellami
    afmelden, stoppen, uitschrijven
    stoppa, avsluta, avregistrera, avanmal, afmeld, frameld, avmeld, lopeta, peruuta
    wypisz, rezygnuje, odhlasit, odhlaseni, zrusit, odjava, odjavi, zaustavi, ustavi, leiratkozas, leiratkozom
    dezabonare, dezaboneaza, ndalo, atsisakyti, atteikties
    durdur, iptal, dur, ret
    стоп, отписаться, отписка, отпишите, остановить, прекратить, отмена
    відписатися, відписка, скасувати, зупинити, отписване, одјава, тоқтату
    στοπ, διακοπη, διαγραφη, სტოპ, ստոպ
    توقف, ايقاف, أوقف, قف, ستوب, الغاء, الغاء الاشتراك, إلغاء الإشتراك, لغو, لغو اشتراک, لغو11, بند کریں
    הסר, הסרה, להסרה, עצור, הפסק, ביטול, סטופ
    रोकें, रोको, बंद, बंद करें, बंद करो, स्टॉप, বন্ধ, বন্ধ করুন, থামুন, நிறுத்து, ఆపండి
    หยุด, ยกเลิก, berhenti, henti, batal, huỷ đăng ký, hủy đăng ký, huỷ, hủy, dừng lại, ngừng, từ chối, itigil
    停止, 退订, 退訂, 取消, 取消订阅, 取消訂閱, 拒收, 停, td
    ストップ, 配信停止, 停止してください, やめて, やめてください, 解除, 登録解除, 購読解除, 中止, 退会
    수신거부, 중지, 정지, 거부, 취소, 스톱, 그만
"""
_START_WORDS: Final = "start, unstop, subscribe"
MAX_LENGTH: Final = 40  # letters
_MAX_TEXT_LENGTH: Final = 1000  # characters with all that is not a letter
_TATWEEL: Final = "\u0640"


def meaning(text: str, *, provider_word: str = "") -> str:
    """`STOP`, `START` or nothing. The provider's own word goes before ours; a longer text is never one.

    It is the letters that count: neither emoji, punctuation, blanks, accents nor signs that are not seen.
    """
    if provider_word in ("STOP", "START"):
        return provider_word
    if len(text) > _MAX_TEXT_LENGTH or not (word := _letters(text)) or len(word) > MAX_LENGTH:
        return ""
    if word in STOP or word in map(_letters, settings.OPT_OUT_WORDS):
        return "STOP"
    return "START" if word in START else ""


def _letters(text: str) -> str:
    # Twice: folding the case of a wide or a Turkish letter gives new accents.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in decomposed if _is_letter(one))


def _is_letter(one: str) -> bool:
    """Whether it is a part of a word: a letter, a digit, or a vowel of the scripts that write them as marks."""
    category = unicodedata.category(one)
    if category in ("Mn", "Mc"):
        is_variation = "\ufe00" <= one <= "\ufe0f" or one >= "\U000e0100"
        return not unicodedata.combining(one) and not is_variation
    return category[0] in "LN" and one != _TATWEEL


def _table(words: str) -> frozenset[str]:
    return frozenset(_letters(word) for word in words.replace("\n", ",").split(",")) - {""}


STOP: Final = _table(_STOP_WORDS)
START: Final = _table(_START_WORDS)
