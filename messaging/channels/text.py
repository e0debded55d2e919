"""Text from outside, made fit to be stored and shown."""

from __future__ import annotations

import re
from typing import Final

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNWANTED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all of those but \t and \n
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    r"""The text without NUL and control characters except \n and \t; line ends become \n, lone surrogates U+FFFD.

    PostgreSQL takes no NUL, UTF-8 no lone surrogate, and the rest moves a terminal's or a log reader's cursor.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _UNWANTED.sub("", text))


def has_control(text: str) -> bool:
    """Whether a text that goes into a header or an address holds a line end, a NUL or another control character."""
    return _CONTROLS.search(text) is not None
