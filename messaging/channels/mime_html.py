"""A plain text as HTML for the second part of an e-mail: it says the same, no more and no less."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from messaging.channels.text import clean

_PAGE: Final = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
    '<body style="font-family:sans-serif;font-size:15px;line-height:1.5">\n{paragraphs}\n</body></html>\n'
)
# Each paragraph finds its own direction: Arabic and English stand in one mail.
_PARAGRAPH: Final = '<p dir="auto" style="margin:0 0 1em;white-space:pre-wrap">{lines}</p>'
_BETWEEN_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_LINK = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_AFTER_LINKS: Final = ".,;:!?*_~…»”’"
_MAX_LINK_LENGTH: Final = 2000


def as_html(text: str) -> str:
    """A whole page: paragraphs at empty lines, line breaks kept, web addresses clickable, everything else escaped."""
    paragraphs = _BETWEEN_PARAGRAPHS.split(clean(text).strip("\n"))
    return _PAGE.format(paragraphs="\n".join(map(_paragraph, paragraphs)))


def _paragraph(text: str) -> str:
    return _PARAGRAPH.format(lines=_linked(text).replace("\n", "<br>"))


def _linked(text: str) -> str:
    parts, end = [], 0
    for result in _LINK.finditer(text):
        url = _trimmed(result[0])
        if len(url) > _MAX_LINK_LENGTH:
            continue
        parts += [escape(text[end : result.start()]), f'<a href="{escape(url)}">{escape(url)}</a>']
        end = result.start() + len(url)
    return "".join([*parts, escape(text[end:])])


def _trimmed(url: str) -> str:
    """An address without what ends the sentence around it; a closing bracket stays where one was opened."""
    url = url.rstrip(_AFTER_LINKS)
    for opening, closing in ("()", "[]"):
        if url.endswith(closing) and opening not in url:
            url = url.rstrip(closing).rstrip(_AFTER_LINKS)
    return url
