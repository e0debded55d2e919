"""STOP and START: what a whole message has to be to mean one of them."""

from __future__ import annotations

import unicodedata

from django.conf import settings

_STOP_WORDS = """
    stop unsubscribe end quit stopall revoke optout cancel
    stopp abmelden arret desabonner baja parar cancelar sair annulla disiscrivimi afmelden stoppen avsluta lopeta
    durdur iptal
"""
STOP = frozenset(_STOP_WORDS.split())
LONGEST = 40
START = frozenset({"start", "unstop", "subscribe"})


def meaning(text: str, *, provider_says: str = "") -> str:
    """`STOP`, `START` or nothing. The provider's own word goes before ours; a longer text is never one."""
    if provider_says in ("STOP", "START"):
        return provider_says
    if len(text) > LONGEST:
        return ""
    word = _letters(text)
    if word in STOP or (word and word in map(_letters, settings.OPT_OUT_WORDS)):
        return "STOP"
    return "START" if word in START else ""


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    # Neither accents nor what is not seen, as phones that write from right to left put around a word.
    letters = "".join(one for one in decomposed if not unicodedata.combining(one) and unicodedata.category(one) != "Cf")
    return letters.strip(" \t\r\n.,!?'\"“”-").replace(" ", "").replace("-", "")
