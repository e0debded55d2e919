"""An invitation (text/calendar) in one line, for mails that hold nothing else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from icalendar import Calendar, Component

from messaging.channels.mail.headers import one_line

_LARGEST: Final = 200_000  # bytes
_WORDS: Final = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation", "PUBLISH": "Event"}


def summary(raw: bytes) -> str:
    """ "Invitation: title, when, where"; empty where no event can be read."""
    if len(raw) > _LARGEST:
        return ""
    try:
        calendar = Calendar.from_ical(raw)
        event = next(iter(calendar.walk("VEVENT")), None)
        if event is None:
            return ""
        word = _WORDS.get(str(calendar.get("METHOD", "REQUEST")).upper(), "Invitation")
        title = one_line(str(event.get("SUMMARY", "")), 300) or "without a title"
        place = one_line(str(event.get("LOCATION", "")), 300)
        return ", ".join(part for part in (f"{word}: {title}", _when(event), place) if part)
    except Exception:  # noqa: BLE001  # a third-party parser on a stranger's bytes: without a summary the file still comes
        return ""


def _when(event: Component) -> str:
    start = getattr(event.get("DTSTART"), "dt", None)
    if isinstance(start, datetime):
        zone = start.strftime("%Z")
        return f"{start:%Y-%m-%d %H:%M} {zone}".strip()
    return start.isoformat() if isinstance(start, date) else ""
