"""Header fields of a mail, whatever is in them: decoded, cleaned, cut to a sane length. Nothing here raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from messaging.channels.mail.text import decode
from messaging.channels.text import clean

MAX_VALUE_LENGTH: Final = 20_000  # characters of a field that are looked at
MAX_SUBJECT_LENGTH: Final = 998
MAX_NAME_LENGTH: Final = 255
MAX_ADDRESS_LENGTH: Final = 254
MAX_ID_LENGTH: Final = 250
MAX_ADDRESSES: Final = 200
MAX_REFERENCES: Final = 100

RECIPIENT_FIELDS: Final = (
    "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Resent-To", "X-Forwarded-To",
)  # fmt: skip

_ADDRESS: Final = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]/]{1,190}")
_ANY_ADDRESS: Final = re.compile(r"(?<![^\s<>(),;:\"'\[\]])([^\s@<>(),;:\\\"\[\]']{1,64}@[\w.-]{1,190})")
_IN_BRACKETS: Final = re.compile(r"<([^\s@<>(),;:]{1,64}@[^\s@<>(),;:]{1,190})>")
_BRACKETED: Final = re.compile(r"<([^<>\s]{1,250})>")
_BARE_ID: Final = re.compile(r"[^\s<>,;\"()]{1,200}@[^\s<>,;\"()]{1,200}")
_FORMATS: Final = re.compile("[\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u00ad]")
_SPACES: Final = re.compile(r"\s+")
_EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def raw_values(mail: Message, name: str) -> list[str]:
    """Every field of that name, unfolded, not decoded."""
    key = name.casefold()
    # raw_items: the values as they stand; the usual way replaces bytes that are not ASCII.
    result = [value for field, value in mail.raw_items() if field.casefold() == key][:MAX_REFERENCES]
    return [_text(str(value)[: 2 * MAX_VALUE_LENGTH]).replace("\r", " ").replace("\n", " ") for value in result]


def raw_value(mail: Message, name: str) -> str:
    """The first field of that name; empty where there is none."""
    return next(iter(raw_values(mail, name)), "").strip()


def one_line(text: str, longest: int) -> str:
    """Cleaned text on one line, without characters that turn or hide the writing."""
    return _SPACES.sub(" ", _FORMATS.sub("", clean(text).replace("\t", " "))).strip()[:longest].rstrip()


def decoded(value: str, longest: int = MAX_SUBJECT_LENGTH) -> str:
    """A field's text with its encoded words (RFC 2047) read, on one line."""
    value = value[:MAX_VALUE_LENGTH]
    if "=?" not in value:
        return one_line(value, longest)
    try:
        # An encoded word that stands without a space before it is read as well: many programs write it so.
        parts = decode_header(re.sub(r"\?=(?==\?)", "?= ", value))
    except (HeaderParseError, ValueError, LookupError):
        return one_line(value, longest)
    texts: list[str] = []
    pending, pending_charset = b"", ""
    for part, charset in parts:
        raw = part.encode("latin-1", "replace") if isinstance(part, str) else part
        name = (charset or "").casefold() if isinstance(charset, str) else ""
        if name == pending_charset and pending and name:
            pending += raw  # a character may be cut in two between two words
            continue
        texts.append(decode(pending, pending_charset))
        pending, pending_charset = raw, name
    texts.append(decode(pending, pending_charset))
    return one_line("".join(texts), longest)


def header(mail: Message, name: str, longest: int = MAX_SUBJECT_LENGTH) -> str:
    """The first field of that name, decoded, on one line; empty where there is none."""
    return decoded(raw_value(mail, name), longest)


def addresses(values: list[str]) -> list[tuple[str, str]]:
    """Name and address (lower case) of everybody named; what is no address is left out, doubles as well."""
    results: dict[str, str] = {}
    for value in values:
        for name, address in _pairs(value[:MAX_VALUE_LENGTH]):
            address = one_line(address, MAX_ADDRESS_LENGTH + 1).casefold().strip(".'\"")
            if _ADDRESS.fullmatch(address) and len(address) <= MAX_ADDRESS_LENGTH:
                results.setdefault(address, decoded(name, MAX_NAME_LENGTH).strip("'\" "))
        if len(results) >= MAX_ADDRESSES:
            break
    return [(name, address) for address, name in list(results.items())[:MAX_ADDRESSES]]


def field_addresses(mail: Message, *names: str) -> list[tuple[str, str]]:
    """Name and address of everybody in these fields."""
    return addresses([value for name in names for value in raw_values(mail, name)])


def _pairs(value: str, *, is_decoded: bool = False) -> list[tuple[str, str]]:
    """The addresses of a field; where it is not written as it should be, whatever looks like an address in it."""
    try:
        pairs = [
            pair for pair in getaddresses([value]) if pair[1] in value and _ADDRESS.fullmatch(pair[1].strip(".'\" "))
        ]
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        pairs = []
    bracketed = _IN_BRACKETS.findall(value)
    if pairs and len(bracketed) == 1 and not any(sign in value for sign in ",;"):
        # "Ann@Home <ann@x.example>": the brackets are meant.
        pairs = [pair for pair in pairs if pair[1] == bracketed[0]] or [("", bracketed[0])]
    is_whole_encoded = "=?" in value and (not pairs or any("=?" in decoded(name) for name, _ in pairs))
    if is_whole_encoded and not is_decoded:
        # Some programs encode the whole field, the address and its brackets with it.
        return _pairs(decoded(value, MAX_VALUE_LENGTH), is_decoded=True) or pairs
    if pairs:
        return pairs
    return [("", address) for address in _ANY_ADDRESS.findall(value)[:MAX_ADDRESSES]]


def identifiers(values: list[str]) -> list[str]:
    """Message ids without brackets, in order, none twice; the newest where there are too many."""
    results: dict[str, None] = {}
    for value in values:
        value = value[: 2 * MAX_VALUE_LENGTH]
        ids = _BRACKETED.findall(value) or _BARE_ID.findall(value)
        results.update(dict.fromkeys(one_line(identifier, MAX_ID_LENGTH) for identifier in ids))
    results.pop("", None)
    return list(results)[-MAX_REFERENCES:]


def message_id(mail: Message) -> str:
    """The Message-ID without brackets; empty where there is none, or it is no id at all."""
    value = raw_value(mail, "Message-ID")
    match = _BRACKETED.search(value)
    if match:
        return one_line(match[1], MAX_ID_LENGTH)
    bare = one_line(value, MAX_ID_LENGTH + 9).strip("<>")
    return bare if bare and len(bare) <= MAX_ID_LENGTH and " " not in bare else ""


def sent_at(mail: Message) -> datetime | None:
    """The Date in UTC; None where it can't be read or is of no time when there was mail."""
    try:
        moment = parsedate_to_datetime(raw_value(mail, "Date")[:200])
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def _text(text: str) -> str:
    """A field as text: bytes that are not ASCII are read as UTF-8, else as Latin 1."""
    try:
        raw = text.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return text
    return text if text.isascii() else decode(raw, "")
