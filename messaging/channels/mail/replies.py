"""The part of a mail that its sender wrote now, apart from quotes, embedded mails and signatures.

Mails carry no mark for it: each line is classified by what mail programs write (`reply_lines`), and rules decide on the
sequence. Nothing is lost: what is not the reply is given back as folded. In doubt a line is the person's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from messaging.channels.mail import reply_words as words
from messaging.channels.mail.reply_lines import Line, classify

MAX_TEXT_LENGTH: Final = 500_000  # characters that are looked at; what is over is folded away
MAX_LINES: Final = 10_000
_SHORT_TAIL: Final = 7  # lines of text after a quote that are taken for a signature when there is text before it
_MAX_SIGNATURE_LENGTH: Final = 14  # lines of text after a delimiter

_SIGNED_BEGIN: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_BEGIN: Final = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_MARK: Final = re.compile(r"\s*(?:-- ?|—|__|--\s*​)\s*$")
_GREETING: Final = re.compile(
    rf"\W*(?:{'|'.join(re.escape(word) for word in words.GREETINGS)})\b.{{0,50}}$", re.IGNORECASE
)


def fold(text: str) -> tuple[str, str]:
    """What the person wrote now, and what was folded away: quotes, earlier mails, signatures.

    Both without empty lines around them. A mail that holds nothing of its own, as one passed on without a word, is
    given whole as the reply. Takes time in proportion to the text's length.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, rest = text[:MAX_TEXT_LENGTH], text[MAX_TEXT_LENGTH:]
    lines = text.split("\n")
    lines, over = lines[:MAX_LINES], [*lines[MAX_LINES:], rest]
    start, end = _signed_part(lines)
    kinds = classify(lines)
    numbers = _own_lines(lines, kinds, start, end)
    reply = _joined(lines[number] for number in numbers)
    if not reply:
        return _joined(lines), _joined(over)
    dropped = sorted(set(range(len(lines))) - set(numbers))
    return reply, _joined([*(lines[number] for number in dropped), *over])


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _signed_part(lines: Sequence[str]) -> tuple[int, int]:
    """The lines between PGP's marks (RFC 9580, section 7); all lines where there are none."""
    start, end = 0, len(lines)
    for number, line in enumerate(lines):
        bare = line.strip()
        if bare == _SIGNED_BEGIN and start == 0:
            start = number + 1
            while start < len(lines) and lines[start].startswith(("Hash:", "Charset:")):
                start += 1
        elif bare == _SIGNATURE_BEGIN:
            return start, number
    return start, end


def _own_lines(lines: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> list[int]:
    """The numbers of the lines that are the reply."""
    end = _before_original(kinds, start, end)
    end = _before_signature(lines, kinds, start, end)
    own = _without_introductions(lines, kinds, start, end)
    return _without_tail(lines, kinds, own)


def _before_original(kinds: Sequence[Line], start: int, end: int) -> int:
    """Where an earlier mail begins with its head or a mark, if something is written before it."""
    has_text = False
    for number in range(start, end):
        kind = kinds[number]
        if kind in (Line.ORIGINAL, Line.HEADER) and has_text:
            return number
        has_text = has_text or kind is Line.TEXT
    return end


def _before_signature(lines: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> int:
    """Where the signature begins: at "-- ", another delimiter or "Sent from my iPhone", with little text after it."""
    texts_after, answered_after = _texts_after(kinds, start, end), _answered_after(kinds, start, end)
    has_text = False
    for number in range(start, end):
        kind = kinds[number]
        if has_text and kind in (Line.DELIMITER, Line.SIGNATURE) and not answered_after[number + 1]:
            most = _MAX_SIGNATURE_LENGTH * (4 if _SIGNATURE_MARK.match(lines[number]) else 1)
            if texts_after[number + 1] <= most and not _underlines(lines, kinds, number):
                return number
        has_text = has_text or kind in (Line.TEXT, Line.QUOTE)
    return end


def _texts_after(kinds: Sequence[Line], start: int, end: int) -> list[int]:
    """For each line the number of lines of text from it on, up to an introduction or a quote."""
    counts = [0] * (len(kinds) + 1)
    for number in range(end - 1, start - 1, -1):
        if kinds[number] not in (Line.INTRODUCTION, Line.QUOTE):
            counts[number] = counts[number + 1] + (kinds[number] is Line.TEXT)
    return counts


def _answered_after(kinds: Sequence[Line], start: int, end: int) -> list[bool]:
    """For each line whether, from it on, text follows a quote with no introduction before it: an answer in between."""
    answered, below_quote = [False] * (len(kinds) + 1), False
    for number in range(end - 1, start - 1, -1):
        kind = kinds[number]
        answered[number] = below_quote if kind is Line.QUOTE else kind is not Line.INTRODUCTION and answered[number + 1]
        below_quote = kind is Line.TEXT or (kind is not Line.INTRODUCTION and below_quote)
    return answered


def _underlines(lines: Sequence[str], kinds: Sequence[Line], number: int) -> bool:
    """Whether a delimiter is the line under a heading or a table's head: as long as the text right above it."""
    if number == 0 or kinds[number] is not Line.DELIMITER or kinds[number - 1] is not Line.TEXT:
        return False
    length = len(lines[number].strip())
    return length >= 5 and abs(length - len(lines[number - 1].strip())) <= 3


def _without_introductions(lines: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> list[int]:
    """The lines without "On Monday, X wrote:" and, where the reply does not go on between its lines, what it quotes."""
    numbers = list(range(start, end))
    first = next((number for number in numbers if kinds[number] is Line.INTRODUCTION), None)
    if first is None:
        return numbers
    before = [number for number in numbers[: first - start] if kinds[number] is Line.TEXT]
    body = next((number for number in range(first, end) if kinds[number] not in (Line.INTRODUCTION, Line.EMPTY)), end)
    if before:
        return _above_introduction(lines, kinds, before, first, body, end)
    if body < end and kinds[body] is Line.QUOTE:
        after = _after_quote(kinds, body, end)
        rest = range(after, end)
        if any(kinds[number] is Line.TEXT for number in rest) and not _answers_between(kinds, rest):
            return _without_later(kinds, [*numbers[: first - start], *rest])
    return _without_later(kinds, numbers)


def _above_introduction(
    lines: Sequence[str], kinds: Sequence[Line], before: Sequence[int], first: int, body: int, end: int
) -> list[int]:
    """The lines where there is text above the first introduction."""
    start = min(before)
    if body >= end or kinds[body] is not Line.QUOTE:
        return list(range(start, first))
    after = range(_after_quote(kinds, body, end), end)
    texts = [number for number in after if kinds[number] is Line.TEXT]
    is_greeting = len(before) == 1 and bool(_GREETING.match(lines[before[0]]))
    if not texts or (
        len(texts) < _SHORT_TAIL and not is_greeting and not any(kinds[number] is Line.QUOTE for number in after)
    ):
        return list(range(start, first))
    return [number for number in range(start, end) if kinds[number] is not Line.INTRODUCTION]


def _after_quote(kinds: Sequence[Line], start: int, end: int) -> int:
    """The first line of text after the quote that begins at `start`; a wrapped end of a quoted line belongs to it."""
    number = start
    while number < end and kinds[number] is not Line.TEXT:
        number += 1
    return number


def _answers_between(kinds: Sequence[Line], numbers: Sequence[int]) -> bool:
    """Whether quotes and text alternate: text, then a quote, then text again."""
    seen_quote = False
    for number in numbers:
        seen_quote = seen_quote or kinds[number] is Line.QUOTE
        if seen_quote and kinds[number] is Line.TEXT:
            return True
    return False


def _without_later(kinds: Sequence[Line], numbers: Sequence[int]) -> list[int]:
    """The lines up to a further introduction that follows text of the person's; without introductions."""
    own: list[int] = []
    has_text = False
    for number in numbers:
        if kinds[number] is Line.INTRODUCTION:
            if has_text:
                break
            continue
        has_text = has_text or kinds[number] is Line.TEXT
        own.append(number)
    return own


def _without_tail(lines: Sequence[str], kinds: Sequence[Line], numbers: list[int]) -> list[int]:
    """The lines without the quotes, delimiters and device lines at their end, and device lines anywhere."""
    if not any(kinds[number] is Line.TEXT for number in numbers):
        return numbers if any(kinds[number] is Line.QUOTE for number in numbers) else []
    end = len(numbers)
    while end and kinds[numbers[end - 1]] is not Line.TEXT:
        end -= 1
    numbers = numbers[:end]
    first = next(index for index, number in enumerate(numbers) if kinds[number] in (Line.TEXT, Line.QUOTE))
    return [number for number in numbers[first:] if kinds[number] is not Line.SIGNATURE]
