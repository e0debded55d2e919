"""The parts of a mail: its text, its HTML and its files. Nothing here raises, whatever the bytes."""

from __future__ import annotations

import html as html_module
import mimetypes
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from typing import Final

from messaging.channels.base import ReceivedFile
from messaging.channels.mail.headers import decoded, one_line, raw_value
from messaging.channels.mail.html import MAX_SOURCE_LENGTH, to_text
from messaging.channels.mail.repair import with_whole_head
from messaging.channels.mail.text import decode

MAX_PARTS: Final = 200
DEEPEST: Final = 30
MAX_FILES: Final = 50
MAX_FILENAME_LENGTH: Final = 150
_MAX_BOUNDARIES: Final = 100  # the standard parser's time grows with parts inside each other
_MAX_DIVIDERS: Final = 20_000
_MAX_FIELD_LENGTH: Final = 8_192  # bytes of a Content- field: the standard parser takes longer than linear for them
_BROKEN: Final = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError, OverflowError)

_CONTENT_FIELD: Final = re.compile(rb"^content-[a-z-]{1,30}[ \t]*:", re.IGNORECASE | re.MULTILINE)
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_NAMES: Final = {
    "text/calendar": "invite.ics", "application/ics": "invite.ics", "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat", "text/vcard": "contact.vcf", "text/x-vcard": "contact.vcf",
    "application/pdf": "file.pdf", "text/plain": "file.txt", "image/jpeg": "image.jpg", "image/jpg": "image.jpg",
    "message/rfc822": "message.eml", "application/pkcs7-signature": "smime.p7s",
    "application/pgp-signature": "signature.asc", "application/octet-stream": "file.bin", "text/html": "file.html",
}  # fmt: skip
_UNSAFE_NAME: Final = re.compile(r'[<>:"|?*\\/]')


@dataclass
class Content:
    """What a part holds: the text to read, what HTML quotes apart from it, and HTML to show."""

    text: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    has_html: bool = False


@dataclass
class Parts:
    """Everything that was found in a mail."""

    content: Content = field(default_factory=Content)
    files: list[ReceivedFile] = field(default_factory=list)
    calendars: list[bytes] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)  # message/delivery-status, as text
    returned: list[str] = field(default_factory=list)  # the mail that came back, or its head
    is_complaint: bool = False
    seen: int = 0


def message_of(raw: bytes) -> Message:
    """The mail as a tree. One that is nested beyond measure is given as its head with one text."""
    raw = _with_short_fields(with_whole_head(raw))
    if raw.count(b"boundary") <= _MAX_BOUNDARIES and raw.count(b"\n--") <= _MAX_DIVIDERS:
        try:
            return message_from_bytes(raw)
        except _BROKEN:
            pass  # below
    return BytesHeaderParser().parsebytes(raw)


def _with_short_fields(raw: bytes) -> bytes:
    """The bytes with every Content- field cut to a sane length."""
    pieces, position = [], 0
    for match in _CONTENT_FIELD.finditer(raw):
        start = match.start()
        if start < position:
            continue
        end = _field_end(raw, start)
        if end - start > _MAX_FIELD_LENGTH:
            pieces += [raw[position : start + _MAX_FIELD_LENGTH], b"\n"]
            position = end
    return b"".join([*pieces, raw[position:]]) if pieces else raw


def _field_end(raw: bytes, start: int) -> int:
    """The position after a field that begins at `start`, with its continuation lines."""
    position = start
    while True:
        newline = raw.find(b"\n", position)
        if newline < 0:
            return len(raw)
        position = newline + 1
        if raw[position : position + 1] not in (b" ", b"\t"):
            return position


def read_parts(mail: Message) -> Parts:
    """The texts and files of a mail."""
    parts = Parts()
    parts.content = _content(mail, parts, 0)
    return parts


def payload(part: Message) -> bytes:
    """The bytes of a part, its transfer encoding undone as far as it can be."""
    try:
        raw = part.get_payload(decode=True)
    except _BROKEN:
        raw = None
    if isinstance(raw, bytes):
        return raw
    text = part.get_payload()
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""


def content_type(part: Message) -> str:
    """The type in lower case; application/octet-stream for what is none."""
    try:
        kind = one_line(part.get_content_type(), 200).casefold()
    except _BROKEN:
        kind = ""
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


def charset(part: Message) -> str:
    try:
        value = part.get_param("charset") or ""
        return collapse_rfc2231_value(value) if value else ""
    except _BROKEN:
        return ""


def _disposition(part: Message) -> str:
    return raw_value(part, "Content-Disposition").split(";")[0].strip().casefold()


def _content(part: Message, parts: Parts, depth: int) -> Content:
    """The text of a part; files and reports in it go to `parts`."""
    parts.seen += 1
    if parts.seen > MAX_PARTS or depth > DEEPEST:
        return Content()
    kind = content_type(part)
    children = part.get_payload()
    if kind.startswith("message/") or kind in ("text/rfc822-headers", "text/rfc822-header"):
        return _message_part(part, kind, parts)
    if isinstance(children, list):
        contents = [_content(child, parts, depth + 1) for child in children[:MAX_PARTS] if isinstance(child, Message)]
        return _alternative(contents) if kind == "multipart/alternative" else _together(contents)
    return _leaf(part, kind, parts)


def _alternative(contents: list[Content]) -> Content:
    """Of several forms of one text the plain one is read and the HTML one shown."""
    filled = [content for content in contents if any(text.strip() for text in content.text)]
    plain = next((content for content in filled if not content.has_html), None)
    rich = next((content for content in reversed(filled or contents) if content.has_html), None)
    if plain is None or rich is None:
        return plain or rich or Content()
    return Content(plain.text, plain.quoted, rich.html, has_html=True)


def _together(contents: list[Content]) -> Content:
    return Content(
        [text for content in contents for text in content.text],
        [text for content in contents for text in content.quoted],
        [html for content in contents for html in content.html],
        has_html=any(content.has_html for content in contents),
    )


def _leaf(part: Message, kind: str, parts: Parts) -> Content:
    named = bool(_given_name(part))
    is_text = kind in ("text/plain", "text/html") or kind.startswith("multipart/")
    if (
        not is_text
        or _disposition(part) == "attachment"
        or (named and kind != "text/html" and not _is_unnamed_text(part))
    ):
        if kind in ("text/calendar", "application/ics"):
            parts.calendars.append(payload(part))
        _add_file(part, kind, payload(part), parts)
        return Content()
    if kind == "text/html" and named and _disposition(part) == "inline":
        _add_file(part, kind, payload(part), parts)
        return Content()
    text = decode(payload(part)[:MAX_SOURCE_LENGTH], charset(part))
    if kind == "text/html":
        read, quoted = to_text(text)
        return Content([read], [quoted] if quoted else [], [text], has_html=True)
    markup = f'<div style="white-space:pre-wrap">{html_module.escape(text)}</div>'
    return Content([text], [], [markup] if text.strip() else [])


def _is_unnamed_text(part: Message) -> bool:
    """Whether a named text is nevertheless the mail's own: bounces give their notice a name."""
    return _disposition(part) == "" and content_type(part) == "text/plain" and "headers" not in _given_name(part)


def _message_part(part: Message, kind: str, parts: Parts) -> Content:
    """A mail in the mail, or a report of a server's."""
    children = part.get_payload()
    if kind in ("message/delivery-status", "message/global-delivery-status"):
        parts.reports.append(_flat(part))
    elif kind == "message/feedback-report":
        parts.is_complaint = True
    elif kind.startswith("text/"):
        parts.returned.append(decode(payload(part)[:MAX_SOURCE_LENGTH], charset(part)))
    else:
        raw = (
            _bytes_of(children[0])
            if isinstance(children, list) and children and isinstance(children[0], Message)
            else payload(part)
        )
        parts.returned.append(decode(raw[:MAX_SOURCE_LENGTH], ""))
        _add_file(part, kind, raw, parts)
    return Content()


def _flat(part: Message) -> str:
    """A report as text: the standard parser has cut it into blocks of fields."""
    children = part.get_payload()
    if not isinstance(children, list):
        return decode(payload(part)[:MAX_SOURCE_LENGTH], charset(part))
    blocks = [
        decode(_bytes_of(child)[:MAX_SOURCE_LENGTH], "") for child in children[:MAX_PARTS] if isinstance(child, Message)
    ]
    return "\n\n".join(block.strip("\n") for block in blocks)


def _bytes_of(mail: Message) -> bytes:
    try:
        return mail.as_bytes()
    except _BROKEN:
        head = "\n".join(f"{name}: {value}" for name, value in mail.raw_items())
        return f"{head}\n\n".encode("utf-8", "surrogateescape") + payload(mail)


def _given_name(part: Message) -> str:
    """The file's name as the mail gives it, decoded (RFC 2231, or RFC 2047 as many programs have it)."""
    fields = Message()
    for field_name in ("Content-Disposition", "Content-Type"):
        value = raw_value(part, field_name)  # read here: the usual way loses bytes that are not ASCII
        if value:
            fields[field_name] = value
    try:
        return decoded(fields.get_filename() or "", 1000)
    except _BROKEN:
        return ""


def safe_name(name: str, kind: str) -> str:
    """A file's name without folders, controls or characters that turn the writing; if nothing is left, by its type."""
    name = one_line(name, 1000).replace("\\", "/").rpartition("/")[2]
    name = _UNSAFE_NAME.sub("_", name).strip(" .")
    if not name or not re.search(r"\w", name):
        return _NAMES.get(kind) or _default_name(kind)
    stem, dot, ending = name.rpartition(".")
    if len(name) > MAX_FILENAME_LENGTH and dot and len(ending) <= 10:
        return f"{stem[: MAX_FILENAME_LENGTH - 1 - len(ending)]}.{ending}"
    return name[:MAX_FILENAME_LENGTH]


def _default_name(kind: str) -> str:
    stem = kind.partition("/")[0]
    return f"{stem if stem in ('image', 'audio', 'video') else 'file'}{mimetypes.guess_extension(kind) or '.bin'}"


def _add_file(part: Message, kind: str, content: bytes, parts: Parts) -> None:
    if len(parts.files) >= MAX_FILES:
        return
    is_tnef = kind in ("application/ms-tnef", "application/vnd.ms-tnef")
    content_id = one_line(raw_value(part, "Content-ID"), 250).strip("<> ")
    name = safe_name("winmail.dat" if is_tnef else _given_name(part), kind)
    if kind == "message/rfc822" and not name.casefold().endswith(".eml"):
        name = f"{name}.eml"
    is_inline = (
        kind.startswith("image/") and _disposition(part) != "attachment" and bool(content_id or _disposition(part))
    )
    parts.files.append(ReceivedFile(name, kind, content, content_id, is_inline))
