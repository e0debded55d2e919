"""How many segments an SMS is: 3GPP TS 23.038, the default alphabet with its extension, else UCS-2."""

from __future__ import annotations

import math
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each takes the room of two: the escape, and the character.
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_GSM_SINGLE, _GSM_PART = 160, 153
_UCS2_SINGLE, _UCS2_PART = 70, 67


def count(text: str) -> int:
    """The segments that a text is sent and billed as; 1 for an empty one."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        widths = [2 if character in _EXTENDED else 1 for character in text]
        return _parts(widths, single=_GSM_SINGLE, part=_GSM_PART)
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return _parts(widths, single=_UCS2_SINGLE, part=_UCS2_PART)


def _parts(widths: list[int], *, single: int, part: int) -> int:
    total = sum(widths)
    if total <= single:
        return 1
    if 2 not in widths:
        return math.ceil(total / part)
    # What takes the room of two is never split between segments.
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
