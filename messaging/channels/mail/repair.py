"""A mail's head as RFC 5322 has it, whatever came: so that one broken line hides none of those below it.

The standard parser ends the head at the first line that is no field. Programs write such lines: cut encodings, lines
of a mailbox file, names with blanks, a byte order mark. Here they are mended, or put where they do no harm, up to the
empty line; what stands below is not touched.
"""

from __future__ import annotations

import re
from typing import Final

MAX_HEAD_LENGTH: Final = 1_000_000
_MAX_LINES: Final = 20_000
_MAX_CONTINUED: Final = 100  # lines that a field may go on over where they do not say so
_BOM: Final = b"\xef\xbb\xbf"
# A line of blanks ends the head as well, unless a field stands below it: then it is the odd rest of the one above.
_END_OF_HEAD: Final = re.compile(rb"\n\r*\n|\n[ \t\x00\r]*\n(?![!-9;-~]{1,60}[ \t]{0,9}:)|\n[ \t\x00\r]*\Z")
# A carriage return alone is a line's end only where a field begins behind it.
_LONE_RETURN: Final = re.compile(rb"\r+(?!\n)")
_FIELD: Final = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~/-]+(?:[ \t]+[A-Za-z0-9!#$%&'*+.^_`|~/-]+){0,3})[ \t]*:")
_MAILBOX_LINE: Final = re.compile(rb">*From ([^\s:]+)(?: [^:]|\s*$)")
_WITH_ADDRESSES: Final = (b"from", b"sender", b"reply-to", b"return-path", b"to", b"cc")
ENVELOPE_FIELD: Final = "X-Mailbox-From"  # who handed the mail over, by the line of a mailbox file
_SENDER_FIELD: Final = re.compile(rb"^(?:from|sender|return-path)[ \t]*:[^\n]*@", re.IGNORECASE | re.MULTILINE)


def with_whole_head(raw: bytes) -> bytes:
    """The mail with a head that can be read on to its empty line. Takes time in proportion to its length."""
    raw = raw.lstrip(b"\r\n \t\0").removeprefix(_BOM).lstrip(b"\r\n \t\0")
    if b"\n" not in raw[:MAX_HEAD_LENGTH]:
        raw = raw.replace(b"\r", b"\n")
    head, body = _split(raw)
    if not _SENDER_FIELD.search(head):
        head, body = _joined_with_next(head, body)
    head, body = _without_text(head, body)
    return b"\n".join(_fields(_lines(head))) + b"\n\n" + body


def _split(raw: bytes) -> tuple[bytes, bytes]:
    match = _END_OF_HEAD.search(raw, 0, MAX_HEAD_LENGTH)
    return (raw[: match.start()], raw[match.end() :]) if match else (raw, b"")


def _joined_with_next(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The head with the block below it, where an empty line cut it in two and who wrote it stands in the second."""
    block, rest = _split(body)
    lines = block.split(b"\n")[:50]
    is_head = all(_FIELD.match(line) or line[:1] in (b" ", b"\t") for line in lines)
    return (head + b"\n" + block, rest) if is_head and _SENDER_FIELD.search(block) else (head, body)


def _without_text(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The head without a text that stands right below its last field: where the empty line is missing."""
    lines = head.split(b"\n")
    end = len(lines)
    while end > 1 and not _belongs_to_head(lines[end - 1], lines[end - 2]):
        end -= 1
    if end == len(lines) or end <= 1:
        return head, body
    return b"\n".join(lines[:end]), b"\n".join([*lines[end:], b"", body])


def _belongs_to_head(line: bytes, above: bytes) -> bool:
    """Whether a line is a field, or goes on with the one above it, which is not complete."""
    if not line.strip() or line[:1] in (b" ", b"\t", b">") or _FIELD.match(line.lstrip(b"\0")):
        return True
    return above.rstrip().endswith((b";", b",", b":", b"=")) or bool(_MAILBOX_LINE.match(line))


def _lines(head: bytes) -> list[bytes]:
    """The lines of the head; over a sane number, the rest stands in the last one."""
    lines: list[bytes] = []
    for line in head.replace(b"\0", b"").split(b"\n", _MAX_LINES):
        pieces = _LONE_RETURN.split(line.rstrip(b"\r"))
        lines.append(pieces[0])
        for piece in pieces[1:]:
            if _FIELD.match(piece):
                lines.append(piece)
            else:
                lines[-1] += b" " + piece
    return lines


def _fields(lines: list[bytes]) -> list[bytes]:
    """Each field as "Name: value" with its continuation lines; what is no field goes on with the one before it."""
    fields: list[list[bytes]] = []
    quoted: list[bytes] = []
    for line in lines:
        if not line.strip():
            continue
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1].append(line)
        elif envelope := _MAILBOX_LINE.match(line):
            fields.append([ENVELOPE_FIELD.encode() + b": " + envelope[1]])
        elif (bare := line.lstrip(b" \t>")) and (field := _FIELD.match(bare)):
            name = b"-".join(field[1].split())
            written = name + b":" + bare[field.end() :]
            if line[:1] == b">":
                quoted.append(written)  # below all others: the field that is written as it should be counts first
            else:
                fields.append([written])
        elif fields and _goes_on(fields[-1]):
            fields[-1].append(b" " + line)
        else:
            fields.append([b"X-Unreadable: " + line])
    return [*(b"\n".join(field) for field in fields), *quoted]


def _goes_on(field: list[bytes]) -> bool:
    """Whether a line that is no field may be the rest of this one: never behind an address that is complete."""
    if len(field) > _MAX_CONTINUED:
        return False
    name, _, value = b" ".join(field).partition(b":")
    if name.lower() not in _WITH_ADDRESSES:
        return True
    value = value.rstrip()
    return b"@" not in value or value.endswith((b",", b";", b"<")) or value.count(b'"') % 2 == 1
