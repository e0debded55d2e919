"""Record ids: UUID version 7 (RFC 9562, section 5.7), so that they sort by the time they were made; parsing."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterable
from datetime import datetime

_LARGEST_CORRECTION = 3_600_000 << 12
_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A time-ordered id: 48 bits of milliseconds, 12 bits of sub-millisecond time, 62 random bits.

    Ids made by one process never go back, also when the clock does; but a clock that was put back by over an hour was
    wrong before, and is followed.
    """
    global _last
    with _lock:
        # RFC 9562, section 6.2, method 3: the sub-millisecond fraction takes the place of rand_a.
        nanoseconds = time.time_ns()
        ticks = (nanoseconds // 1_000_000 << 12) | (nanoseconds % 1_000_000 * 4096 // 1_000_000)
        _last = ticks = ticks if _last - ticks > _LARGEST_CORRECTION else max(ticks, _last + 1)
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | random_bits
    return uuid.UUID(int=value)


def parse_uuid(text: object) -> uuid.UUID | None:
    """The id that a text is; None for one that is none."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def parse_uuids(texts: Iterable[str]) -> list[uuid.UUID]:
    """The ids among these texts, in their order; what is none is left out."""
    return [result for text in texts if (result := parse_uuid(text)) is not None]


def first_uuid7(at: datetime) -> uuid.UUID:
    """The smallest id that could have been made at this moment: ids from then on are not below it."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)
