"""The normal form of searched texts and of search terms.

`search_text` holds every word after a blank, so that " ja" finds words that begin with "ja": PostgreSQL's trigram index
knows the beginnings of words, and inside of words only three letters and more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

_PHONE_LIKE = re.compile(r"[+\d][\d\s().\-/]{5,}\d")
_PHONE_FILLING = re.compile(r"[\s().\-/]")
# A number as it is dialled at home: its leading zero is not in E.164.
_TRUNK_PREFIX = re.compile(r"0{1,2}(\d{5,})")
# Words that an index can find anywhere have this many letters.
INDEXED_LENGTH = 3
MAX_WORDS = 8
# Customers of an organization whose codes share all but their last 14 bits stand in one window.
WINDOW_BITS = 14


def normalize(text: str) -> str:
    """Lower case, without accents; a phone number loses its blanks, brackets and dashes."""
    joined = _PHONE_LIKE.sub(lambda found: _PHONE_FILLING.sub("", found.group()), text)
    folded = joined.casefold()
    if not folded.isascii():
        folded = "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))
    return " ".join(folded.split())


def searchable(parts: Iterable[str]) -> str:
    """The normal form of a record's texts, as it is stored in `search_text`."""
    words = " ".join(normalize(part) for part in parts if part)
    return f" {words}" if words else ""


def search_patterns(text: str) -> list[str]:
    """The LIKE patterns that `search_text` has to match, all of them; words beyond the eighth are left out.

    Long words first: the most selective condition is tried first where a database takes them in order.
    """
    words = sorted(set(normalize(text).split()[:MAX_WORDS]), key=lambda word: (-len(word), word))
    return [_pattern(word) for word in words]


def _pattern(word: str) -> str:
    if len(word) < INDEXED_LENGTH:
        return f" {word}"
    at_home = _TRUNK_PREFIX.fullmatch(word)
    return at_home.group(1) if at_home else word


def window_of(organization_id: UUID, code_number: int) -> int:
    """The window of a code: of two organizations with the same one in four billion."""
    return (organization_id.int & 0xFFFF_FFFF) << 24 | min(code_number >> WINDOW_BITS, 0xFF_FFFF)
