"""What the stand-in answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any  # bytes as they are, anything else as JSON
    headers: Sequence[tuple[str, str]] = ()
    is_dropped: bool = False
    is_cut: bool = False  # half of the body, then the connection closes


def error(status: int, code: int | None, message: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    if code is None:
        return Answer(status, b"<html><body>Bad gateway</body></html>", headers)
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Answer(status, {"code": code, "message": message, "more_info": more, "status": status}, headers)
