"""A number of minutes as people give it: a number, and whether it is of minutes, hours or days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# The largest that divides a length is how it is shown.
UNITS: Final = (1440, 60, 1)
_WHOLE = re.compile(r"[0-9]{1,9}")


def texts(minutes: int) -> list[str]:
    """What the two controls show."""
    unit = next(unit for unit in UNITS if minutes % unit == 0) if minutes else 1
    return [str(minutes // unit), str(unit)]


def value(texts: Sequence[str]) -> object:
    """The minutes; what is no number stays a text, and is refused when it is saved."""
    text = texts[0].strip() if texts else ""
    if not _WHOLE.fullmatch(text):
        return text
    unit = texts[1] if len(texts) > 1 else "1"
    return int(text) * (int(unit) if unit in map(str, UNITS) else 1)
