from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from activity.models import Event
from customers import events
from customers.people.fields import FIELDS, in_words

register = template.Library()

# Of contacts, beside what they have in common with customers.
_LABELS = {"birth_date": _("Birth date"), "relationship": _("Relationship")}
_SENTENCES = {
    events.CUSTOMER_CREATED: "Made a customer",
    events.CONTACT_CREATED: "Contact added",
    events.CONTACT_UPDATED: "Contact changed",
    events.CONTACT_DELETED: "Contact deleted",
    events.CUSTOMER_MERGED: "Merged",
    events.MERGE_UNDONE: "Merge undone",
}
_SIDES = {
    events.STAGE_CHANGED: "Stage",
    events.STAGE_CHANGE_UNDONE: "Stage, taken back",
    events.CUSTOMER_ASSIGNED: "Owner",
    events.FOLLOW_UP_SET: "Next follow-up",
}


@register.filter
def hours_long(hours: int) -> str:
    """Hours as people say them: whole days from two on."""
    return f"{hours} h" if hours % 24 or hours < 48 else f"{hours // 24} days"


@register.filter
def days_long(days: float) -> str:
    """A time that was counted in days, as people say it: minutes, hours or days."""
    minutes = round(days * 24 * 60)
    for length, word in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            count = minutes // length
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "a moment"


@register.filter
def change_lines(event: Event, people: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """What an event of the ledger changed, in words: a list of what, before, after.

    `people` are names by id, and of stages by key.
    """
    payload, kind = event.payload, event.type
    if "changes" in payload:
        return [
            _line(_label(field), sides.get("from"), sides.get("to"))
            for field, sides in payload["changes"].items()
            if isinstance(sides, dict)
        ]
    if kind in _SIDES:
        return [_line(_SIDES[kind], *(_named(payload.get(side), people) for side in ("from", "to")))]
    if kind in (events.TAG_ADDED, events.TAG_REMOVED):
        tag = payload.get("tag", "")
        return [_line("Tag", *(("", tag) if kind == events.TAG_ADDED else (tag, "")))]
    if kind in (events.IDENTITY_ADDED, events.IDENTITY_REMOVED):
        value = payload.get("value", "")
        return [_line("Address", *(("", value) if kind == events.IDENTITY_ADDED else (value, "")))]
    if kind == events.CONSENT_CHANGED:
        words = "opted in" if payload.get("is_granted") else "opted out"
        return [_line("Consent", "", f"{payload.get('channel') or 'every channel'}: {words}")]
    return [_line(_SENTENCES.get(kind, kind), "", payload.get("name") or payload.get("code") or "")]


def _label(field: str) -> str:
    return str(FIELDS[field].label if field in FIELDS else _LABELS.get(field, field))


def _named(value: object, people: Mapping[str, str] | None) -> object:
    # Without the names at hand an id says nothing to anybody.
    text = str(value or "")
    if text in (people or {}):
        return (people or {})[text]
    if len(text) == 36 and text.count("-") == 4:
        return (people or {}).get(text, "somebody")
    return value


def _line(what: str, before: object, after: object) -> dict[str, str]:
    return {"what": what, "before": _words(before), "after": _words(after)}


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(part)}" for key, part in value.items() if part not in ("", None))
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, str) and len(value) > 15 and value[4:5] == "-" and "T" in value:
        moment = parse_datetime(value)
        return date_format(localtime(moment), "j M Y, H:i") if moment else value
    return in_words(value)
