"""The small words of the pages: icons, times, initials, links in a text.

Everything here takes plain values and gives safe HTML; nothing knows a model.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby

from django import template
from django.forms import BoundField
from django.http import HttpRequest
from django.utils import dateformat, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from lucide import _render_icon

from core.money import written

register = template.Library()

THEMES = ("light", "dark")
SOURCES = {
    "whatsapp_ad": "a WhatsApp ad",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "email": "e-mail",
    "web": "the website",
    "ad": "an advertisement",
}
TONES = 8  # the avatar colours in static/css/components/avatar.css

_LINK = re.compile(r"https?://[^\s<>\"']{3,2000}", re.IGNORECASE)
# A link as `linkify` writes it.
_ELEMENT = re.compile(r"(<a [^>]*>[^<]*</a>)")
_AFTER_LINK = ".,;:!?)]}»”’"


@lru_cache(maxsize=512)
def _icon(name: str, size: int) -> SafeString:
    # The library's own drawing; its name comes from a template or from code, never from a person.
    return SafeString(_render_icon(name, size, **{"class": "icon", "aria-hidden": "true", "focusable": "false"}))


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """A lucide icon for the eye only; the words beside it, or the control's label, say what it means."""
    return _icon(str(name), int(size))


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The theme chosen in this browser: light, dark, or empty for the system's own."""
    request: HttpRequest | None = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request is not None else ""
    return chosen if chosen in THEMES else ""


@register.filter
def initials(name: object) -> str:
    """One or two letters that stand for a name; empty for a phone number or nothing at all."""
    words = [word for word in re.split(r"[\s._@-]+", str(name or "").strip()) if word and word[0].isalpha()]
    if not words:
        return ""
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.filter
def first_word(name: object) -> str:
    """What colleagues call each other where there is little room."""
    return (str(name or "").split() or [""])[0]


@register.filter
def tone(key: object) -> int:
    """The colour of an avatar: the same for the same key in every process."""
    return zlib.crc32(str(key or "").encode()) % TONES


@register.filter
def before_dash(text: object) -> str:
    """The name in "Name — what it is for"."""
    return str(text or "").partition(" — ")[0]


@register.filter
def after_dash(text: object) -> str:
    """What it is for, in "Name — what it is for"; empty where nothing is said."""
    return str(text or "").partition(" — ")[2]


@register.filter
def source_label(source: object) -> str:
    """Where a customer came from, in the words that stand in a sentence."""
    return SOURCES.get(str(source or "").lower(), str(source or "").replace("_", " "))


@register.filter
def capped(count: int | None) -> str:
    """A count that keeps its width: 99+ beyond two digits."""
    number = int(count or 0)
    return "99+" if number > 99 else str(number)


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def _day_name(day: date, today: date) -> str:
    distance = (today - day).days
    if distance == 0:
        return "Today"
    if distance == 1:
        return "Yesterday"
    if day.year == today.year:
        return dateformat.format(day, "l j F")
    return dateformat.format(day, "l j F Y")


@register.filter
def day(moment: datetime | None) -> str:
    """The day of a moment in the current time zone, as 2026-11-21."""
    return _local(moment).date().isoformat() if moment else ""


@register.filter
def day_label(moment: datetime | None) -> str:
    """What the line above a day's messages says."""
    return _day_name(_local(moment).date(), timezone.localdate()) if moment else ""


def short_time(moment: datetime, now: datetime) -> str:
    """How long ago, in as few letters as a list has room for."""
    moment, now = _local(moment), _local(now)
    seconds = (now - moment).total_seconds()
    days = (now.date() - moment.date()).days
    if -60 < seconds < 60:
        return "now"
    if 0 <= seconds < 3600:
        return f"{int(seconds // 60)} min"
    if days == 0:
        return dateformat.format(moment, "H:i")
    if days == 1:
        return "Yesterday"
    if 0 < days < 7:
        return dateformat.format(moment, "D")
    return dateformat.format(moment, "j M" if moment.year == now.year else "j M Y")


def _stamp(moment: datetime) -> str:
    return dateformat.format(_local(moment), "l j F Y, H:i")


@register.simple_tag
def relative_time(moment: datetime | None) -> SafeString | str:
    """When it was, for a list; static/js/times.js keeps it right while the page stays open."""
    if not moment:
        return ""
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        moment.isoformat(),
        _stamp(moment),
        short_time(moment, timezone.now()),
    )


@register.simple_tag
def clock(moment: datetime | None) -> SafeString | str:
    """The time of day, with the whole date for who points at it."""
    if not moment:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        _stamp(moment),
        dateformat.format(_local(moment), "H:i"),
    )


@register.filter
def is_past(moment: datetime | None) -> bool:
    """Whether a moment is behind us."""
    return moment is not None and moment <= timezone.now()


@register.simple_tag
def moment(at: datetime | None) -> SafeString | str:
    """A moment to come or gone, for a list: the time where it is today, else the day."""
    if not at:
        return ""
    day = _local(at).date()
    distance = (day - timezone.localdate()).days
    if -1 <= distance <= 1:
        words = ("Yesterday", "Today", "Tomorrow")[distance + 1]
        text = f"{words} {dateformat.format(_local(at), 'H:i')}"
    else:
        text = dateformat.format(day, "j M" if day.year == timezone.localdate().year else "j M Y")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), _stamp(at), text)


@register.filter
def since(moment: datetime | None) -> str:
    """How long something has waited: 4 min, 3 h, 2 d."""
    if not moment:
        return ""
    minutes = max(0, int((timezone.now() - moment).total_seconds() // 60))
    if minutes < 60:
        return f"{max(1, minutes)} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


@register.filter
def time_left(moment: datetime | None) -> str:
    """How long until a moment, in a word or two: “5 h left”, “40 min left”; “over” once it has passed."""
    if moment is None:
        return ""
    minutes = int((moment - timezone.now()).total_seconds() // 60)
    if minutes < 0:
        return "over"
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} days left"
    return f"{minutes // 60} h left" if minutes >= 60 else f"{max(minutes, 1)} min left"


@register.filter
def is_within_hours(moment: datetime | None, hours: int) -> bool:
    """Whether a moment is still to come, and that so soon."""
    return moment is not None and timedelta(0) < moment - timezone.now() <= timedelta(hours=hours)


@register.filter
def seconds_until(moment: datetime | None) -> int:
    """Whole seconds from now to a moment to come; 0 for one that has passed."""
    return max(0, math.ceil((moment - timezone.now()).total_seconds())) if moment else 0


def _link(url: str) -> tuple[str, str]:
    """The address without the punctuation that ends its sentence, and that punctuation."""
    end = len(url)
    while end and url[end - 1] in _AFTER_LINK:
        if url[end - 1] == ")" and url.count("(", 0, end) >= url.count(")", 0, end):
            break
        end -= 1
    return url[:end], url[end:]


@register.filter
def linkify(text: object) -> SafeString:
    """The text, escaped, with its web addresses as links. Line breaks are kept by the style sheet."""
    source, parts, at = str(text or ""), [], 0
    for match in _LINK.finditer(source):
        url, rest = _link(match.group())
        parts.append(escape(source[at : match.start()]))
        parts.append(format_html('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', url, url))
        parts.append(escape(rest))
        at = match.end()
    parts.append(escape(source[at:]))
    return SafeString("".join(parts))  # every part was escaped above


@register.filter
def mentioning(text: object, names: object) -> SafeString:
    """The same, with the names that an @ stands before marked; `names` as they stand in the text."""
    html = linkify(text)
    called = [str(name) for name in names if name] if isinstance(names, list) else []
    if not called:
        return html
    longest_first = sorted((str(escape(name)) for name in called), key=len, reverse=True)
    pattern = re.compile(r"(?<![\w@/])@(" + "|".join(re.escape(name) for name in longest_first) + r")(?!\w)")
    # What a link says and leads to stays as it is; both sides were escaped, so nothing but the element is added.
    pieces = _ELEMENT.split(html)
    pieces[::2] = [pattern.sub(r'<b class="mention">@\1</b>', piece) for piece in pieces[::2]]
    return SafeString("".join(pieces))


def _letters(text: str) -> tuple[str, list[int]]:
    """The text in lower case and without accents, and for each letter of it its place in the text."""
    letters, places = [], []
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character.casefold()):
            if not unicodedata.combining(letter):
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


@register.filter
def marked(text: object, query: object) -> SafeString:
    """The text, escaped, with the words that were asked for in `mark`; any case, accents ignored."""
    source = str(text or "")
    letters, places = _letters(source)
    hit = set()
    for word in _letters(str(query or ""))[0].split():
        at = letters.find(word)
        while at >= 0:
            hit.update(places[at : at + len(word)])
            at = letters.find(word, at + len(word))
    parts = []
    for is_hit, run in groupby(enumerate(source), lambda one: one[0] in hit):
        part = escape("".join(character for _, character in run))
        parts.append(f"<mark>{part}</mark>" if is_hit else part)
    return SafeString("".join(parts))  # every part was escaped above


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """An amount with its currency, such as 0.0745 EUR; empty for none."""
    return "" if amount is None else written(amount, currency)


@register.filter
def without_control(value: object) -> str:
    """One line of text for a preview: every run of white space is a space."""
    return " ".join(str(value or "").split())


@register.filter
def is_kind(field: BoundField, kind: str) -> bool:
    """Whether a form field is of a kind of input: password, checkbox, radio …"""
    return getattr(field.field.widget, "input_type", "") == kind


@register.filter
def lookup(mapping: Mapping[object, object], key: object) -> object:
    """A value by a key that is itself a variable."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return None
