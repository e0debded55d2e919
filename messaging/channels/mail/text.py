"""Bytes of a mail made text, by whatever charset they claim or have."""

from __future__ import annotations

import codecs
from typing import Final

from messaging.channels.text import clean

# What mail programs call charsets by, against what they mean.
_ALIASES: Final = {
    "ascii": "windows-1252", "us-ascii": "windows-1252", "iso-8859-1": "windows-1252", "latin-1": "windows-1252",
    "latin1": "windows-1252", "ansi_x3.4-1968": "windows-1252", "x-ansi": "windows-1252", "ansi": "windows-1252",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "x-sjis": "cp932", "shift_jis": "cp932",
    "shift-jis": "cp932", "windows-31j": "cp932", "x-euc-jp": "euc_jp", "gb2312": "gb18030", "gbk": "gb18030",
    "x-gbk": "gb18030", "gb_2312-80": "gb18030", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "x-windows-949": "cp949",
    "ks_c_5601": "cp949", "big5": "big5hkscs", "iso-2022-jp": "iso2022_jp_ext", "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8", "unknown-8bit": "", "x-unknown": "", "unknown": "", "default": "", "binary": "", "8bit": "",
    "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "x-user-defined": "", "iso-8859-9": "windows-1254",
    "tis-620": "cp874", "iso-8859-11": "cp874", "cp-850": "cp850",
    # UTF-7 hides markup as plain letters and nobody needs it: its bytes are shown as they are.
    "utf-7": "windows-1252", "unicode-1-1-utf-7": "windows-1252", "x-unicode-2-0-utf-7": "windows-1252",
}  # fmt: skip
_MULTIBYTE: Final = ("iso2022", "utf-16", "utf-32", "utf_16", "utf_32")


def decode(raw: bytes, charset: str) -> str:
    """The text of the bytes, cleaned. A charset that is unknown or wrong is replaced by what fits."""
    name = _codec(charset)
    # What calls itself Latin is often UTF-8, and Latin text is hardly ever UTF-8 by chance.
    for codec in ("utf-8", name) if name == "windows-1252" else (name, "utf-8"):
        if codec:
            try:
                return clean(raw.decode(codec))
            except (UnicodeError, LookupError, ValueError):
                continue
    if name.startswith(_MULTIBYTE):
        return clean(raw.decode(name, "replace"))
    if name and name not in ("windows-1252", "utf-8") and not _is_utf8_mostly(raw):
        return clean(raw.decode(name, "replace"))
    if _is_utf8_mostly(raw):
        return clean(raw.decode("utf-8", "replace"))
    return clean(raw.decode("windows-1252", "replace"))


def _codec(charset: str) -> str:
    """Python's name for a charset that makes text of bytes; empty for an unknown one."""
    name = charset.strip().strip("\"'").casefold()[:60]
    name = _ALIASES.get(name, name)
    if name == "windows-1252":
        return name
    try:
        info = codecs.lookup(name) if name and "\0" not in name else None
    except (LookupError, ValueError):
        return ""
    # rot13, base64 and their like are codecs too, and punycode and idna are slow on hostile input.
    is_text = info is not None and info._is_text_encoding
    if (
        info is None
        or not is_text
        or info.name in ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "utf-7")
    ):
        return ""
    return info.name


def _is_utf8_mostly(raw: bytes) -> bool:
    """Whether the bytes are UTF-8 but for a few broken ones, as after a cut."""
    head = raw[:20_000]
    if head.isascii():
        return False
    broken = head.decode("utf-8", "replace").count("\N{REPLACEMENT CHARACTER}")
    return broken * 20 < sum(byte >= 0x80 for byte in head)
