"""STOP and START: what a whole message has to be to mean one of them."""

from __future__ import annotations

import unicodedata

_STOP_WORDS = """
    stop unsubscribe end quit stopall revoke optout cancel
    stopp abmelden arret desabonner baja parar cancelar sair annulla disiscrivimi afmelden stoppen avsluta lopeta
    durdur iptal
"""
STOP = frozenset(_STOP_WORDS.split())
START = frozenset({"start", "unstop", "subscribe"})


def meaning(text: str, *, provider_says: str = "") -> str:
    """`STOP`, `START` or nothing. The provider's own word goes before ours; a longer text is never one."""
    if provider_says in ("STOP", "START"):
        return provider_says
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    word = letters.strip(" \t\r\n.,!?'\"“”-").replace(" ", "") if len(text) <= 40 else ""
    if word in STOP:
        return "STOP"
    return "START" if word in START else ""
